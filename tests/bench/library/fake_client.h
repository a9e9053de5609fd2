#pragma once
// libferry without a driver: a broker in this process over a device of memfds, and a client's device whose images and
// timelines are stand-ins. What is left is Ferry's own work, in sync mode timeline.

#include <memory>
#include <string>

#include "ferry/ferry.h"

namespace ferry::daemon::test {
class TestBroker;
}

namespace ferry::bench {

/// The broker's side; may be another process's.
class FakeBroker {
 public:
  FakeBroker();
  ~FakeBroker();
  const std::string& socket() const;

 private:
  std::unique_ptr<daemon::test::TestBroker> broker_;
};

/// A session, and a device that imports anything.
class FakeClient {
 public:
  explicit FakeClient(const std::string& socket);
  ~FakeClient();
  FakeClient(const FakeClient&) = delete;
  FakeClient& operator=(const FakeClient&) = delete;

  ferry_producer* create(const std::string& name) const;
  ferry_consumer* attach(const std::string& name) const;

 private:
  ferry_connection* connection_ = nullptr;
  ferry_device* device_ = nullptr;
};

}  // namespace ferry::bench

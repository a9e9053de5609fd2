#pragma once
// Marks in a system call trace: where a call of Ferry's begins and ends, as seen by strace(1). A write to a descriptor
// that cannot exist does nothing, and shows.

#include <unistd.h>

#include <cstring>

namespace ferry::test {

class TraceMark {
 public:
  static constexpr int kNoDescriptor = -4242;

  /// @p call: nullptr marks nothing.
  explicit TraceMark(const char* call) : call_(call) { write("begin "); }
  ~TraceMark() { write("end "); }
  TraceMark(const TraceMark&) = delete;
  TraceMark& operator=(const TraceMark&) = delete;

 private:
  void write(const char* what) const {
    if (call_ == nullptr) return;
    char text[32];
    const std::size_t length = std::strlen(what);
    std::memcpy(text, what, length);
    std::strncpy(text + length, call_, sizeof text - length - 1);
    const ssize_t refused = ::write(kNoDescriptor, text, length + std::strlen(call_));
    static_cast<void>(refused);
  }

  const char* call_;
};

}  // namespace ferry::test

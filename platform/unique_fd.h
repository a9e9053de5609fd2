#pragma once
// A descriptor with one owner. By value: given away. By const&: borrowed for the call.

#include <utility>

namespace ferry::platform {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  explicit operator bool() const { return valid(); }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);           // linux/unique_fd.cpp: closes what it had
  UniqueFd duplicate() const;        // close-on-exec; invalid when the kernel refuses (errno says why)

 private:
  int fd_ = -1;
};

}  // namespace ferry::platform

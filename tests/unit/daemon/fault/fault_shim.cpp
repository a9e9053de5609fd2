#include "tests/unit/daemon/fault/fault_shim.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>

namespace ferry::daemon::test {
namespace {

std::atomic<const char*> armed{nullptr};
std::atomic<int> countdown{0}, error_number{0};
std::atomic<pid_t> thread{0};  ///< 0: any
std::atomic<const char*> library{nullptr};  ///< nullptr: any
std::atomic<bool> fired{false};

bool is_from(const void* caller, std::string_view wanted) {
  Dl_info info{};
  return dladdr(caller, &info) != 0 && info.dli_fname != nullptr && std::string_view(info.dli_fname).find(wanted) != std::string_view::npos;
}

/// Whether this call, of @p caller's, is the one. errno is set then.
bool fails(std::string_view function, const void* caller) {
  const char* name = armed.load();
  if (name == nullptr || function != name) return false;
  if (const pid_t only = thread.load(); only != 0 && gettid() != only) return false;
  if (const char* wanted = library.load(); wanted != nullptr && !is_from(caller, wanted)) return false;
  if (countdown.fetch_sub(1) != 1) return false;
  fired = true;
  errno = error_number;
  return true;
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

void arm_fault(const Fault& fault, int nth) {
  fired = false;
  thread = gettid();
  library = nullptr;
  countdown = nth;
  error_number = fault.error;
  armed = fault.function;
}

void arm_fault_in(const char* of_library, const Fault& fault, int nth) {
  fired = false;
  thread = 0;
  library = of_library;
  countdown = nth;
  error_number = fault.error;
  armed = fault.function;
}

bool disarm_fault() {
  armed = nullptr;
  return fired;
}

bool is_made(std::string_view function, std::span<const NotMade> exceptions) {
  return std::none_of(exceptions.begin(), exceptions.end(), [&](const NotMade& call) { return function == call.function; });
}

const std::vector<Fault>& common_faults() {
  static const std::vector<Fault> faults{
      {"memfd_create", ENFILE}, {"memfd_create", ENOMEM}, {"ftruncate", ENOSPC},      {"fallocate", ENOSPC},
      {"fallocate", ENOMEM},    {"mmap", ENOMEM},         {"fcntl", EMFILE},          {"fstat", ENOMEM},
      {"socketpair", ENFILE},   {"accept4", ENFILE},      {"accept4", EMFILE},        {"accept4", ECONNABORTED},
      {"accept4", EINTR},       {"sendmsg", ENOBUFS},     {"sendmsg", ENOMEM},        {"sendmsg", EINTR},
      {"sendmsg", EPIPE},       {"sendmsg", EAGAIN},      {"sendmsg", ETOOMANYREFS},  {"recvmsg", ENOMEM},
      {"recvmsg", EINTR},
      {"getsockopt", ENOMEM},   {"timerfd_create", EMFILE}, {"epoll_ctl", ENOSPC},    {"epoll_ctl", ENOMEM},
      {"open", EMFILE},         {"openat", ENFILE},       {"poll", EINTR},
  };
  return faults;
}

const std::vector<Fault>& all_faults() {
  static const std::vector<Fault> faults{
      {"memfd_create", ENFILE}, {"memfd_create", ENOMEM}, {"ftruncate", ENOSPC},      {"fallocate", ENOSPC},
      {"fallocate", ENOMEM},    {"mmap", ENOMEM},         {"fcntl", EMFILE},          {"fstat", ENOMEM},
      {"socketpair", ENFILE},   {"accept4", ENFILE},      {"accept4", EMFILE},        {"accept4", ECONNABORTED},
      {"accept4", EINTR},       {"sendmsg", ENOBUFS},     {"sendmsg", ENOMEM},        {"sendmsg", EINTR},
      {"sendmsg", EPIPE},       {"sendmsg", EAGAIN},      {"sendmsg", ETOOMANYREFS},  {"recvmsg", ENOMEM},
      {"recvmsg", EINTR},       {"recvmsg", ECONNRESET},  {"recvmmsg", EINTR},        {"getsockopt", ENOMEM},
      {"getsockopt", EMFILE},   {"setsockopt", ENOBUFS},  {"timerfd_create", EMFILE}, {"epoll_create1", EMFILE},
      {"epoll_ctl", ENOSPC},    {"epoll_ctl", ENOMEM},    {"epoll_wait", EINTR},      {"open", EMFILE},
      {"openat", ENFILE},       {"fstatat", ENOMEM},      {"readlinkat", ENOMEM},     {"read", EINTR},
      {"read", ENOMEM},         {"poll", EINTR},          {"ppoll", EINTR},           {"socket", EMFILE},
      {"connect", EINTR},       {"connect", EAGAIN},      {"connect", ECONNREFUSED},  {"pidfd_open", EMFILE},
      {"pidfd_open", ENOMEM},   {"inotify_init1", EMFILE}, {"inotify_add_watch", ENOSPC},
  };
  return faults;
}

}  // namespace ferry::daemon::test

using ferry::daemon::test::fails;
using ferry::daemon::test::next;

#define FERRY_FAULT_SHIM(result, name, failure, parameters, arguments)  \
  extern "C" result name parameters {                                   \
    static auto* const real = next<result parameters>(#name);           \
    return fails(#name, __builtin_return_address(0)) ? failure : real arguments; \
  }

FERRY_FAULT_SHIM(int, memfd_create, -1, (const char* name, unsigned flags), (name, flags))
FERRY_FAULT_SHIM(int, ftruncate, -1, (int fd, off_t size), (fd, size))
FERRY_FAULT_SHIM(int, fallocate, -1, (int fd, int mode, off_t at, off_t size), (fd, mode, at, size))
FERRY_FAULT_SHIM(void*, mmap, MAP_FAILED, (void* at, size_t size, int protection, int flags, int fd, off_t offset),
                 (at, size, protection, flags, fd, offset))
FERRY_FAULT_SHIM(int, fstat, -1, (int fd, struct stat* info), (fd, info))
FERRY_FAULT_SHIM(int, socketpair, -1, (int domain, int type, int protocol, int* ends), (domain, type, protocol, ends))
FERRY_FAULT_SHIM(int, accept4, -1, (int fd, sockaddr* address, socklen_t* length, int flags), (fd, address, length, flags))
FERRY_FAULT_SHIM(ssize_t, sendmsg, -1, (int fd, const msghdr* message, int flags), (fd, message, flags))
FERRY_FAULT_SHIM(ssize_t, recvmsg, -1, (int fd, msghdr* message, int flags), (fd, message, flags))
FERRY_FAULT_SHIM(int, getsockopt, -1, (int fd, int level, int option, void* value, socklen_t* length),
                 (fd, level, option, value, length))
FERRY_FAULT_SHIM(int, timerfd_create, -1, (int clock, int flags), (clock, flags))
FERRY_FAULT_SHIM(int, epoll_ctl, -1, (int epoll, int operation, int fd, epoll_event* event), (epoll, operation, fd, event))
FERRY_FAULT_SHIM(int, poll, -1, (pollfd* fds, nfds_t count, int timeout_ms), (fds, count, timeout_ms))
FERRY_FAULT_SHIM(int, ppoll, -1, (pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask),
                 (fds, count, timeout, mask))
FERRY_FAULT_SHIM(int, recvmmsg, -1, (int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout),
                 (fd, messages, count, flags, timeout))
FERRY_FAULT_SHIM(int, setsockopt, -1, (int fd, int level, int option, const void* value, socklen_t length),
                 (fd, level, option, value, length))
FERRY_FAULT_SHIM(int, socket, -1, (int domain, int type, int protocol), (domain, type, protocol))
FERRY_FAULT_SHIM(int, connect, -1, (int fd, const sockaddr* address, socklen_t length), (fd, address, length))
FERRY_FAULT_SHIM(ssize_t, read, -1, (int fd, void* to, size_t size), (fd, to, size))
FERRY_FAULT_SHIM(ssize_t, readlinkat, -1, (int folder, const char* path, char* to, size_t size), (folder, path, to, size))
FERRY_FAULT_SHIM(int, fstatat, -1, (int folder, const char* path, struct stat* info, int flags), (folder, path, info, flags))
FERRY_FAULT_SHIM(int, epoll_create1, -1, (int flags), (flags))
FERRY_FAULT_SHIM(int, epoll_wait, -1, (int epoll, epoll_event* events, int most, int timeout_ms),
                 (epoll, events, most, timeout_ms))
FERRY_FAULT_SHIM(int, inotify_init1, -1, (int flags), (flags))
FERRY_FAULT_SHIM(int, inotify_add_watch, -1, (int fd, const char* path, std::uint32_t events), (fd, path, events))

/// Of what has no function of libc's (everywhere), pidfd_open() can fail.
extern "C" long syscall(long number, ...) {
  static auto* const real = next<long(long, ...)>("syscall");
  va_list list;
  va_start(list, number);
  long arguments[6];
  for (long& argument : arguments) argument = va_arg(list, long);
  va_end(list);
  if (number == SYS_pidfd_open && fails("pidfd_open", __builtin_return_address(0))) return -1;
  return real(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

extern "C" int fcntl(int fd, int command, ...) {
  static auto* const real = next<int(int, int, ...)>("fcntl");
  va_list list;
  va_start(list, command);
  void* argument = va_arg(list, void*);
  va_end(list);
  return fails("fcntl", __builtin_return_address(0)) ? -1 : real(fd, command, argument);
}

extern "C" int open(const char* path, int flags, ...) {
  static auto* const real = next<int(const char*, int, ...)>("open");
  va_list list;
  va_start(list, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(list, mode_t) : 0;
  va_end(list);
  return fails("open", __builtin_return_address(0)) ? -1 : real(path, flags, mode);
}

extern "C" int openat(int folder, const char* path, int flags, ...) {
  static auto* const real = next<int(int, const char*, int, ...)>("openat");
  va_list list;
  va_start(list, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(list, mode_t) : 0;
  va_end(list);
  return fails("openat", __builtin_return_address(0)) ? -1 : real(folder, path, flags, mode);
}

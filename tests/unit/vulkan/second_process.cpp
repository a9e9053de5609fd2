#include "tests/unit/vulkan/second_process.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "platform/clock.h"
#include "platform/message_socket.h"
#include "tests/unit/vulkan/gpu_work.h"
#include "tests/unit/vulkan/test_devices.h"

namespace ferry::platform::test {
namespace {

constexpr std::int64_t kDeadlineNs = 60'000'000'000;

struct Handover {
  TextureDesc desc;
  TextureLayout layout;
};

/// One packet, or nothing when the other end has closed or keeps silent.
Packet receive(const UniqueFd& socket) {
  const auto readable = wait_readable(socket, UniqueFd{}, deadline_after(kDeadlineNs));
  if (!readable || !readable->socket) return {};
  auto packet = receive_packet(socket);
  return packet ? std::move(*packet) : Packet{};
}

void send(const UniqueFd& socket, const void* data, std::size_t size, std::span<const int> fds) {
  const std::span<const std::byte> bytes(static_cast<const std::byte*>(data), size);
  if (auto sent = send_packet(socket, bytes, fds); !sent) throw std::runtime_error(sent.error().message);
}

std::string take_over_slot(const UniqueFd& socket) {
  Packet packet = receive(socket);
  Handover handover;
  if (packet.bytes.size() != sizeof handover || packet.fds.size() != 1) return "got no slot";
  std::memcpy(&handover, packet.bytes.data(), sizeof handover);

  const auto device = make_device();
  if (!device) return "no device";
  auto texture = device->texture_importer().import(std::move(packet.fds[0]), handover.desc, handover.layout);
  if (!texture) return texture.error().message;
  const VkImage image = (*texture)->image();
  if (read_slot(*device, image, handover.desc) != make_pattern(handover.desc, kFirstPattern))
    return "the pixels are not the first process's";
  write_slot(*device, image, handover.desc, make_pattern(handover.desc, kSecondPattern));
  return device->validation_errors() == 0 ? "" : "the validation layer complains";
}

}  // namespace

std::string hand_to_second_process(const ExportedTexture& texture, const TextureDesc& desc) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return "socketpair failed";
  const UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  const std::string number = std::to_string(theirs.get());
  const pid_t child = ::fork();
  if (child == 0) {
    ::fcntl(theirs.get(), F_SETFD, 0);
    ::execl("/proc/self/exe", "ferry_vulkan_tests", kSecondProcessOption, number.c_str(), nullptr);
    ::_exit(127);
  }
  theirs.reset();

  const Handover handover{desc, texture.layout()};
  const int fd = texture.fd().get();
  send(ours, &handover, sizeof handover, std::span(&fd, 1));
  const Packet answer = receive(ours);
  if (answer.bytes.empty()) ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (answer.bytes.empty()) return "the second process died or kept silent, status " + std::to_string(status);
  return std::string(reinterpret_cast<const char*>(answer.bytes.data()), answer.bytes.size() - 1);
}

int run_second_process(const char* socket_number) {
  const UniqueFd socket(std::atoi(socket_number));
  std::string problem;
  try {
    problem = take_over_slot(socket);
    send(socket, problem.c_str(), problem.size() + 1, {});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "second process: %s\n", error.what());
    return 1;
  }
  return problem.empty() ? 0 : 1;
}

}  // namespace ferry::platform::test

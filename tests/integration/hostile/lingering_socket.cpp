#include "tests/integration/hostile/lingering_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <stdexcept>
#include <vector>

namespace ferry::test {

using platform::UniqueFd;

LingeringSocket::LingeringSocket(int linger_s) {
  const UniqueFd listener{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* where = reinterpret_cast<sockaddr*>(&address);
  socket_ = UniqueFd{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (bind(listener.get(), where, length) != 0 || listen(listener.get(), 1) != 0 ||
      getsockname(listener.get(), where, &length) != 0 || connect(socket_.get(), where, length) != 0)
    throw std::runtime_error("no TCP on the loopback interface");
  peer_ = UniqueFd{accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)};
  const std::vector<char> much(1 << 20);
  while (send(socket_.get(), much.data(), much.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
  }
  const linger option{1, linger_s};
  if (!peer_ || setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &option, sizeof option) != 0)
    throw std::runtime_error("no lingering socket");
}

void LingeringSocket::leave_it_to_others() { socket_.reset(); }

}  // namespace ferry::test

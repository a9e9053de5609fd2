#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "client/src/api_handles.h"
#include "client/src/status_json.h"
#include "ferry/ferry.h"
#include "platform/listener.h"
#include "proto/limits.h"
#include "proto/names.h"

using namespace ferry::client;
using ferry::proto::Error;
using ferry::proto::ErrorCode;
using ferry::proto::Result;

namespace {

constexpr std::int64_t kDefaultTimeoutNs = 5'000'000'000;

Result<Connection::Options> options_of(const ferry_connect_info* info) {
  ferry_connect_info in = FERRY_CONNECT_INFO_INIT;
  if (info != nullptr) {
    auto read = read_struct(info, "ferry_connect_info");
    if (!read) return std::move(read).error();
    in = *read;
    if (in.reserved != 0) return Error{ErrorCode::kUnsupported, "a reserved field of ferry_connect_info is set"};
  }
  Connection::Options options;
  options.socket_path = in.socket_path != nullptr ? in.socket_path : ferry::platform::default_socket_path(true);
  options.application = in.application != nullptr ? in.application : program_invocation_short_name;
  if (in.application != nullptr && options.application.size() > ferry::proto::kMaxApplicationBytes)
    return Error{ErrorCode::kInvalidArgument, fmt::format("application name of {} bytes exceeds the limit {}",
                                                          options.application.size(), ferry::proto::kMaxApplicationBytes)};
  // A process's own name is nobody's mistake: cut, and cleaned of what would be refused.
  if (in.application == nullptr)
    options.application = ferry::proto::printable(options.application, 16).substr(0, ferry::proto::kMaxApplicationBytes);
  options.timeout_ns = in.timeout_ns == 0 ? kDefaultTimeoutNs : in.timeout_ns;
  return options;
}

Result<std::string> query_status(Connection& connection) {
  std::vector<ferry::wire::StatusReplyT> replies;
  std::pair<std::uint64_t, std::uint64_t> first{0, 0};  // stream, lease
  do {
    ferry::wire::QueryStatusT query;
    std::tie(query.first_stream, query.first_lease) = first;
    auto answer = connection.ask(std::move(query), {}, ferry::wire::Body::StatusReply);
    if (!answer) return std::move(answer).error();
    replies.push_back(std::move(*answer->envelope->body.AsStatusReply()));
    const std::pair next{replies.back().next_stream, replies.back().next_lease};
    if (next.first != 0 && next <= first)
      return Error{ErrorCode::kProtocolViolation, fmt::format("the broker's status goes on at stream {}, lease {} after {}, {}",
                                                              next.first, next.second, first.first, first.second)};
    first = next;
  } while (first.first != 0);
  return status_json(replies);
}

}  // namespace

namespace ferry::client {
Handles& handles() {
  static Handles* all = new Handles;
  return *all;
}

std::mutex& lifetime_mutex() {
  static auto* mutex = new std::mutex;
  return *mutex;
}
}  // namespace ferry::client

#define FERRY_STRINGIFY_(x) #x
#define FERRY_STRINGIFY(x) FERRY_STRINGIFY_(x)

const char* ferry_version(void) {
  return FERRY_STRINGIFY(FERRY_VERSION_MAJOR) "." FERRY_STRINGIFY(FERRY_VERSION_MINOR) "." FERRY_STRINGIFY(FERRY_VERSION_PATCH);
}

const char* ferry_last_error(void) { return last_error(); }

// Leaves the thread's last error as it is: it is what the question is about.
int32_t ferry_last_conflict(ferry_conflict* out) {
  if (!check_out(out, "ferry_conflict")) return FERRY_ERROR_INVALID_ARGUMENT;  // what the last call said stays
  ferry_conflict conflict{};
  if (!last_conflict(conflict)) return FERRY_ERROR_NOT_FOUND;
  write_struct(out, conflict);
  return FERRY_OK;
}
const char* ferry_error_name(int32_t code) { return error_name(code); }
void ferry_free(void* memory) { std::free(memory); }

int32_t ferry_connect(const ferry_connect_info* info, ferry_connection** out) {
  return guarded([&] {
    if (out == nullptr) return fail(ErrorCode::kInvalidArgument, "ferry_connect: out is NULL");
    auto options = options_of(info);
    if (!options) return fail(options.error());
    auto connection = Connection::open(*options);
    if (!connection) return fail(connection.error());
    return give_out(handles().connections, std::make_unique<ConnectionHandle>(ConnectionHandle{std::move(*connection)}), out);
  });
}

int32_t ferry_disconnect(ferry_connection* connection) {
  return guarded([&] { return end(handles().connections, "ferry_connection", connection); });
}

int32_t ferry_query_status(ferry_connection* connection, char** json_out) {
  return guarded([&] {
    auto used = use(connection);
    if (!used) return fail(used.error());
    if (json_out == nullptr) return fail(ErrorCode::kInvalidArgument, "ferry_query_status: json_out is NULL");
    auto json = query_status(***used);
    if (!json) return fail(json.error());
    char* text = strdup(json->c_str());
    if (text == nullptr) return fail(ErrorCode::kOutOfMemory, "out of host memory");
    *json_out = text;
    return 0;
  });
}

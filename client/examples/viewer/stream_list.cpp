#include "client/examples/viewer/stream_list.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace viewer {
namespace {

std::string summarize(const nlohmann::json& stream) {
  const auto& generation = stream.at("generation");
  const auto& producer = stream.at("producer");
  return fmt::format("{}x{} {}, {:.1f} Hz, {}{}", generation.at("width_px").get<std::uint32_t>(),
                     generation.at("height_px").get<std::uint32_t>(), generation.at("format").get<std::string>(),
                     stream.at("rate_hz").get<double>(), stream.at("state").get<std::string>(),
                     producer.is_null() ? std::string() : ", from " + producer.at("process").get<std::string>());
}

}  // namespace

StreamList list_streams(const ferry::Connection& connection) try {
  StreamList list;
  const auto status = nlohmann::json::parse(connection.status_json());
  for (const auto& stream : status.at("streams"))
    list.streams.push_back({stream.at("name").get<std::string>(), summarize(stream)});
  return list;
} catch (const std::exception& error) {  // no broker, or one that says something else
  return {{}, error.what()};
}

}  // namespace viewer

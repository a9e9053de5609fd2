#pragma once
// What `ferry doctor` found out, for people and as JSON.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "client/cli/options.h"
#include "client/cli/terminal.h"

namespace ferry::cli {

struct DoctorDevice {
  std::string name, driver, device_uuid, driver_uuid;
  bool is_software = false;
  struct Lack {
    std::string format, reason;
  };
  std::vector<Lack> lacks{};  ///< formats that it has no images of: no way to or from it is tried with them
};

/// One way from one device to another, tried with every format that both have.
struct DoctorTry {
  std::size_t from = 0, to = 0;  ///< in DoctorReport::devices
  std::string transport, sync_mode;
  std::vector<std::string> works;  ///< formats whose every pixel arrived
  struct Failure {
    std::string format, reason;
  };
  std::vector<Failure> fails;
  std::int64_t hand_over_ns = 0;  ///< median of all formats; 0: nothing arrived
};

/// What Ferry chooses by itself between two devices.
struct DoctorChoice {
  std::size_t from = 0, to = 0;
  bool works = false;
  std::string transport, transport_reason, sync_mode, sync_reason;
  std::string reason;  ///< why it does not work
};

/// Something about the machine that stands in the way of a transport.
struct DoctorRemark {
  std::string what, advice;
};

struct DoctorReport {
  Size size{};  ///< of the frames
  std::vector<DoctorDevice> devices;
  std::vector<DoctorChoice> choices;
  std::vector<DoctorTry> tries;
  std::vector<DoctorRemark> remarks;
};

/// What the user could do about @p reason; "" where nothing is known that helps.
std::string advice_for(const std::string& reason);

std::string render_doctor(const DoctorReport& report, const Style& style, std::size_t columns);
std::string doctor_json(const DoctorReport& report);

}  // namespace ferry::cli

#include "client/examples/viewer/options.h"

#include "client/examples/common/option_types.h"

namespace viewer {

std::optional<Options> parse_options(int argc, char** argv, int& exit_code) {
  Options options;
  CLI::App app("Shows a Ferry stream in a window, or reads it without one", "ferry-viewer");
  auto* name = app.add_option("NAME", options.stream, "Name of the stream; without one the window lets you choose");
  examples::add_choice<ferry_consumer_mode>(app, "--mode", options.mode,
                                            {{"latest", FERRY_CONSUMER_LATEST}, {"every", FERRY_CONSUMER_EVERY}},
                                            "Newest frame wins, or every frame in order [latest]");
  examples::add_connection_options(app, options.device, options.socket, options.validate);

  auto* headless =
      app.add_flag("--headless", options.headless, "No window: read frames back and check them")->needs(name);
  app.add_option("--exit-after", options.exit_after_s, "Close the window after so many seconds")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.01, 86400.0))
      ->excludes(headless);
  examples::add_count(app, "--frames", options.frames, "Frames to read; 0: to the stream's end [1]")->needs(headless);
  app.add_option("--save", options.save_path, "Write the last frame as PNG")->type_name("FILE")->needs(headless);
  app.add_flag("--verify-stamp", options.verify_stamp, "Fail unless every picture has the stamp of its own frame")
      ->needs(headless);
  app.add_flag("--verify-picture", options.verify_picture,
               "Draw ferry-renderer's scene again for every frame, and fail unless all pixels are the same")
      ->needs(headless);

  if (!examples::parse_command_line(app, argc, argv, exit_code)) return std::nullopt;
  return options;
}

}  // namespace viewer

#include "client/examples/viewer/gui.h"

#include <GLFW/glfw3.h>
#include <backends/imgui_impl_glfw.h>
#include <backends/imgui_impl_vulkan.h>
#include <imgui.h>
#include <unistd.h>

#include <algorithm>

namespace viewer {
namespace {

void throw_on_failure(VkResult result) { vk::resultCheck(vk::Result(result), "Dear ImGui"); }

void choose_font(float scale) {
  constexpr const char* kFont = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";
  ImFontAtlas* fonts = ImGui::GetIO().Fonts;
  if (access(kFont, R_OK) == 0) {
    fonts->AddFontFromFileTTF(kFont, 15 * scale);
  } else {
    ImFontConfig config;
    config.SizePixels = 13 * scale;
    fonts->AddFontDefault(&config);
  }
}

void choose_style(float scale) {
  ImGui::StyleColorsDark();
  ImGuiStyle& style = ImGui::GetStyle();
  style.WindowRounding = 0;
  style.FrameRounding = 4;
  style.WindowPadding = {14, 14};
  style.ItemSpacing = {8, 7};
  style.WindowBorderSize = 0;
  style.Colors[ImGuiCol_WindowBg] = {0.090F, 0.098F, 0.114F, 1};
  style.Colors[ImGuiCol_PlotLines] = {0.38F, 0.72F, 0.95F, 1};
  style.ScaleAllSizes(scale);
}

}  // namespace

Gui::Gui(const examples::Gpu& gpu, GLFWwindow* window, vk::RenderPass pass, std::uint32_t image_count) {
  const vk::DescriptorPoolSize size(vk::DescriptorType::eCombinedImageSampler, 8);
  pool_ = gpu.device.createDescriptorPoolUnique({vk::DescriptorPoolCreateFlagBits::eFreeDescriptorSet, 8, size});

  ImGui::CreateContext();
  ImGui::GetIO().IniFilename = nullptr;  // leave no file behind
  float scale = 1;
  glfwGetWindowContentScale(window, &scale, nullptr);
  choose_font(scale);
  choose_style(scale);
  ImGui_ImplGlfw_InitForVulkan(window, true);

  ImGui_ImplVulkan_InitInfo info{};
  info.Instance = gpu.instance;
  info.PhysicalDevice = gpu.physical_device;
  info.Device = gpu.device;
  info.QueueFamily = gpu.queue_family;
  info.Queue = gpu.queue;
  info.DescriptorPool = *pool_;
  info.MinImageCount = 2;
  info.ImageCount = std::max(2U, image_count);
  info.MSAASamples = VK_SAMPLE_COUNT_1_BIT;
  info.CheckVkResultFn = throw_on_failure;
  ImGui_ImplVulkan_Init(&info, pass);
  upload_fonts(gpu);
}

Gui::~Gui() {
  ImGui_ImplVulkan_Shutdown();
  ImGui_ImplGlfw_Shutdown();
  ImGui::DestroyContext();
}

void Gui::upload_fonts(const examples::Gpu& gpu) const {
  const auto commands_pool =
      gpu.device.createCommandPoolUnique({vk::CommandPoolCreateFlagBits::eTransient, gpu.queue_family});
  const auto commands =
      gpu.device.allocateCommandBuffers({*commands_pool, vk::CommandBufferLevel::ePrimary, 1}).front();
  commands.begin(vk::CommandBufferBeginInfo(vk::CommandBufferUsageFlagBits::eOneTimeSubmit));
  ImGui_ImplVulkan_CreateFontsTexture(commands);
  commands.end();
  gpu.queue.submit(vk::SubmitInfo({}, {}, commands));
  gpu.queue.waitIdle();
  ImGui_ImplVulkan_DestroyFontUploadObjects();
}

void Gui::begin_frame() const {
  ImGui_ImplVulkan_NewFrame();
  ImGui_ImplGlfw_NewFrame();
  ImGui::NewFrame();
}

void Gui::draw(vk::CommandBuffer commands) const {
  ImGui::Render();
  ImGui_ImplVulkan_RenderDrawData(ImGui::GetDrawData(), commands);
}

}  // namespace viewer

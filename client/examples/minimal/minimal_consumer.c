/* A Ferry consumer in C: follows the stream "demo" and says how long each frame took to get here. */
#define _POSIX_C_SOURCE 200809L /* clock_gettime() under -std=c11 */
#include <ferry/ferry.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <vulkan/vulkan.h>

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now); /* the clock of every time in ferry.h */
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int main(void) {
  const int64_t second_ns = 1000000000;
  ferry_connection* connection = NULL;
  ferry_device* device = NULL;
  ferry_consumer* consumer = NULL;

  int32_t error = ferry_connect(NULL, &connection);
  if (error == FERRY_OK) {
    ferry_device_create_info create = FERRY_DEVICE_CREATE_INFO_INIT;
    create.connection = connection;
    error = ferry_device_create(&create, &device);
  }
  if (error == FERRY_OK) {
    ferry_attach_info attach = FERRY_ATTACH_INFO_INIT;
    attach.name = "demo";
    attach.timeout_ns = 10 * second_ns; /* for the stream to appear */
    error = ferry_consumer_attach(connection, device, &attach, &consumer);
  }

  ferry_device_info info = {.struct_size = FERRY_DEVICE_INFO_SIZE};
  if (error == FERRY_OK) error = ferry_device_get_info(device, &info);

  while (error == FERRY_OK) {
    ferry_frame frame = {.struct_size = FERRY_FRAME_SIZE};
    error = ferry_consumer_acquire(consumer, 2 * second_ns, &frame);
    if (error != FERRY_OK) break;

    /* The GPU would wait for this semaphore before it samples frame.view; here the CPU does, and looks at nothing. */
    const VkSemaphoreWaitInfo complete = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
                                          .semaphoreCount = 1,
                                          .pSemaphores = &frame.wait_semaphore,
                                          .pValues = &frame.wait_value};
    if (vkWaitSemaphores(info.device, &complete, (uint64_t)second_ns) != VK_SUCCESS) break;
    printf("frame %" PRIu64 ": %" PRIu32 "x%" PRIu32 ", complete after %.3f ms, %" PRIu64 " skipped\n", frame.sequence,
           frame.width_px, frame.height_px, (double)(now_ns() - frame.produced_ns) * 1e-6, frame.skipped);

    error = ferry_consumer_release(consumer, frame.sequence, FERRY_RELEASE_UNUSED); /* nothing was submitted */
  }
  if (error != FERRY_OK) fprintf(stderr, "%s: %s\n", ferry_error_name(error), ferry_last_error());

  if (consumer) ferry_consumer_destroy(consumer);
  if (device) ferry_device_destroy(device);
  if (connection) ferry_disconnect(connection);
  return error == FERRY_OK || error == FERRY_ERROR_STREAM_CLOSED ? 0 : 1;
}

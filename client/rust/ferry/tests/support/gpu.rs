//! Copies between an image and memory on a device of Ferry's own: what an application would draw or sample.

use ash::vk::{self, Handle as _};

pub struct Gpu {
    pub device: ash::Device,
    queue: vk::Queue,
    family: u32,
    pool: vk::CommandPool,
    commands: vk::CommandBuffer,
    fence: vk::Fence,
    buffer: vk::Buffer,
    buffer_memory: vk::DeviceMemory,
    mapped: *mut u8,
    size_bytes: usize,
}

impl Gpu {
    pub fn new(device: &ferry::Device, size_bytes: usize) -> Self {
        let info = device.info().unwrap();
        let vulkan = info.vulkan;
        let (instance, physical) = (
            vk::Instance::from_raw(vulkan.instance as u64),
            vk::PhysicalDevice::from_raw(vulkan.physical_device as u64),
        );
        // SAFETY: the handles are those of a living ferry::Device, which the test keeps.
        unsafe {
            let entry = ash::StaticFn {
                get_instance_proc_addr: std::mem::transmute::<
                    ferry::sys::PfnGetInstanceProcAddr,
                    vk::PFN_vkGetInstanceProcAddr,
                >(vulkan.get_instance_proc_addr),
            };
            let instance = ash::Instance::load(&entry, instance);
            let device = ash::Device::load(instance.fp_v1_0(), vk::Device::from_raw(vulkan.device as u64));
            let family = vulkan.queue_family_index;
            let pool_info = vk::CommandPoolCreateInfo::default()
                .queue_family_index(family)
                .flags(vk::CommandPoolCreateFlags::RESET_COMMAND_BUFFER);
            let pool = device.create_command_pool(&pool_info, None).unwrap();
            let allocate = vk::CommandBufferAllocateInfo::default().command_pool(pool).command_buffer_count(1);
            let commands = device.allocate_command_buffers(&allocate).unwrap()[0];
            let fence = device.create_fence(&vk::FenceCreateInfo::default(), None).unwrap();

            let usage = vk::BufferUsageFlags::TRANSFER_SRC | vk::BufferUsageFlags::TRANSFER_DST;
            let buffer_info = vk::BufferCreateInfo::default().size(size_bytes as u64).usage(usage);
            let buffer = device.create_buffer(&buffer_info, None).unwrap();
            let needs = device.get_buffer_memory_requirements(buffer);
            let visible = vk::MemoryPropertyFlags::HOST_VISIBLE | vk::MemoryPropertyFlags::HOST_COHERENT;
            let kinds = instance.get_physical_device_memory_properties(physical);
            let kind = (0..kinds.memory_type_count)
                .find(|&kind| {
                    needs.memory_type_bits >> kind & 1 == 1
                        && kinds.memory_types[kind as usize].property_flags.contains(visible)
                })
                .unwrap();
            let allocate = vk::MemoryAllocateInfo::default().allocation_size(needs.size).memory_type_index(kind);
            let memory = device.allocate_memory(&allocate, None).unwrap();
            device.bind_buffer_memory(buffer, memory, 0).unwrap();
            let mapped = device.map_memory(memory, 0, vk::WHOLE_SIZE, vk::MemoryMapFlags::empty()).unwrap().cast();
            let queue = vk::Queue::from_raw(info.queue as u64);
            Self { device, queue, family, pool, commands, fence, buffer, buffer_memory: memory, mapped, size_bytes }
        }
    }

    pub fn memory(&mut self) -> &mut [u8] {
        // SAFETY: mapped for as long as self lives, and no work is in flight between the calls.
        unsafe { std::slice::from_raw_parts_mut(self.mapped, self.size_bytes) }
    }

    /// Copies the memory into the image, or back, and waits until that is done.
    pub fn copy(
        &mut self,
        to_image: bool,
        (image, peer_family): (u64, u32),
        (width, height): (u32, u32),
        waits: &[(u64, u64)],
        signal: (u64, u64),
    ) {
        let image = vk::Image::from_raw(image);
        let (layout, access) = if to_image {
            (vk::ImageLayout::TRANSFER_DST_OPTIMAL, vk::AccessFlags::TRANSFER_WRITE)
        } else {
            (vk::ImageLayout::TRANSFER_SRC_OPTIMAL, vk::AccessFlags::TRANSFER_READ)
        };
        let range =
            vk::ImageSubresourceRange::default().aspect_mask(vk::ImageAspectFlags::COLOR).level_count(1).layer_count(1);
        let shared = vk::ImageLayout::SHADER_READ_ONLY_OPTIMAL;
        let barrier = vk::ImageMemoryBarrier::default().image(image).subresource_range(range);
        let take = barrier
            .old_layout(shared)
            .new_layout(layout)
            .dst_access_mask(access)
            .src_queue_family_index(peer_family)
            .dst_queue_family_index(self.family);
        let give = barrier
            .old_layout(layout)
            .new_layout(shared)
            .src_access_mask(access)
            .src_queue_family_index(self.family)
            .dst_queue_family_index(peer_family);
        let layers = vk::ImageSubresourceLayers::default().aspect_mask(vk::ImageAspectFlags::COLOR).layer_count(1);
        let region = [vk::BufferImageCopy::default().image_subresource(layers).image_extent(vk::Extent3D {
            width,
            height,
            depth: 1,
        })];
        let stage = vk::PipelineStageFlags::TRANSFER;
        let none = vk::DependencyFlags::empty();
        let (wait_semaphores, wait_values): (Vec<_>, Vec<_>) =
            waits.iter().map(|(semaphore, value)| (vk::Semaphore::from_raw(*semaphore), *value)).unzip();
        let stages = vec![stage; waits.len()];
        let (signals, values) = ([vk::Semaphore::from_raw(signal.0)], [signal.1]);
        let commands = [self.commands];
        // SAFETY: everything belongs to this device, and the fence keeps the next use of the commands away.
        unsafe {
            let d = &self.device;
            d.begin_command_buffer(self.commands, &vk::CommandBufferBeginInfo::default()).unwrap();
            d.cmd_pipeline_barrier(self.commands, stage, stage, none, &[], &[], &[take]);
            if to_image {
                d.cmd_copy_buffer_to_image(self.commands, self.buffer, image, layout, &region);
            } else {
                d.cmd_copy_image_to_buffer(self.commands, image, layout, self.buffer, &region);
            }
            d.cmd_pipeline_barrier(
                self.commands,
                stage,
                vk::PipelineStageFlags::BOTTOM_OF_PIPE,
                none,
                &[],
                &[],
                &[give],
            );
            d.end_command_buffer(self.commands).unwrap();
            let mut points = vk::TimelineSemaphoreSubmitInfo::default()
                .wait_semaphore_values(&wait_values)
                .signal_semaphore_values(&values);
            let submit = vk::SubmitInfo::default()
                .wait_semaphores(&wait_semaphores)
                .wait_dst_stage_mask(&stages)
                .command_buffers(&commands)
                .signal_semaphores(&signals)
                .push_next(&mut points);
            d.queue_submit(self.queue, &[submit], self.fence).unwrap();
            d.wait_for_fences(&[self.fence], true, 60_000_000_000).unwrap();
            d.reset_fences(&[self.fence]).unwrap();
        }
    }
}

impl Drop for Gpu {
    fn drop(&mut self) {
        // SAFETY: nothing is in flight.
        unsafe {
            self.device.destroy_buffer(self.buffer, None);
            self.device.free_memory(self.buffer_memory, None);
            self.device.destroy_fence(self.fence, None);
            self.device.destroy_command_pool(self.pool, None);
        }
    }
}

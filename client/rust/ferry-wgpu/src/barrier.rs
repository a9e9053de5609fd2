//! The two barriers of the hand-over contract, in a command buffer of their own: wgpu's commands and raw ones may not
//! share an encoder.

use ash::vk::{self, Handle as _};
use wgpu::hal::api::Vulkan;

/// From or to the queue family that owns the image in between, in the layout that images cross in.
#[derive(Clone, Copy)]
pub(crate) enum Transfer {
    Acquire { image: u64, peer_family: u32 },
    Release { image: u64, peer_family: u32 },
}

impl Transfer {
    fn barrier(self, family: u32) -> vk::ImageMemoryBarrier<'static> {
        let anything = vk::AccessFlags::MEMORY_READ | vk::AccessFlags::MEMORY_WRITE;
        let range =
            vk::ImageSubresourceRange::default().aspect_mask(vk::ImageAspectFlags::COLOR).level_count(1).layer_count(1);
        let barrier = vk::ImageMemoryBarrier::default()
            .old_layout(vk::ImageLayout::SHADER_READ_ONLY_OPTIMAL)
            .new_layout(vk::ImageLayout::SHADER_READ_ONLY_OPTIMAL)
            .subresource_range(range);
        match self {
            Self::Acquire { image, peer_family } => barrier
                .image(vk::Image::from_raw(image))
                .dst_access_mask(anything)
                .src_queue_family_index(peer_family)
                .dst_queue_family_index(family),
            Self::Release { image, peer_family } => barrier
                .image(vk::Image::from_raw(image))
                .src_access_mask(anything)
                .src_queue_family_index(family)
                .dst_queue_family_index(peer_family),
        }
    }
}

/// Records the transfers. The images belong to slots that the caller holds.
pub(crate) fn record(device: &wgpu::Device, family: u32, transfers: &[Transfer]) -> wgpu::CommandBuffer {
    let barriers: Vec<_> = transfers.iter().map(|transfer| transfer.barrier(family)).collect();
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("ferry hand-over") });
    let all = vk::PipelineStageFlags::ALL_COMMANDS;
    // SAFETY: only raw commands go into this encoder, and wgpu ends it.
    unsafe {
        let hal_device = device.as_hal::<Vulkan>().expect("Interop is made for Vulkan only");
        encoder.as_hal_mut::<Vulkan, _, _>(|raw| {
            let commands = raw.expect("the encoder is a Vulkan one").raw_handle();
            hal_device.raw_device().cmd_pipeline_barrier(
                commands,
                all,
                all,
                vk::DependencyFlags::empty(),
                &[],
                &[],
                &barriers,
            );
        });
    }
    encoder.finish()
}

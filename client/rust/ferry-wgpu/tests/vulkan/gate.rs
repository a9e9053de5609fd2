use ash::vk;
use ferry_wgpu::Gpu;
use wgpu::hal::api::Vulkan;

/// What is submitted to the queue after this waits until the gate is opened.
pub struct Gate {
    device: wgpu::Device,
    semaphore: vk::Semaphore,
}

impl Gate {
    pub fn close(gpu: &Gpu) -> Self {
        let mut kind =
            vk::SemaphoreTypeCreateInfo::default().semaphore_type(vk::SemaphoreType::TIMELINE).initial_value(0);
        // SAFETY: a semaphore of this device, and nobody else submits to the queue meanwhile.
        let semaphore = unsafe {
            let hal = gpu.device.as_hal::<Vulkan>().unwrap();
            let vulkan = hal.raw_device();
            let semaphore =
                vulkan.create_semaphore(&vk::SemaphoreCreateInfo::default().push_next(&mut kind), None).unwrap();
            let (semaphores, values) = ([semaphore], [1]);
            let mut points = vk::TimelineSemaphoreSubmitInfo::default().wait_semaphore_values(&values);
            let submit = vk::SubmitInfo::default()
                .wait_semaphores(&semaphores)
                .wait_dst_stage_mask(&[vk::PipelineStageFlags::ALL_COMMANDS])
                .push_next(&mut points);
            vulkan.queue_submit(hal.raw_queue(), &[submit], vk::Fence::null()).unwrap();
            semaphore
        };
        Self { device: gpu.device.clone(), semaphore }
    }

    pub fn open(&self) {
        // SAFETY: the semaphore is ours, and is signalled once.
        unsafe {
            let hal = self.device.as_hal::<Vulkan>().unwrap();
            let info = vk::SemaphoreSignalInfo::default().semaphore(self.semaphore).value(1);
            hal.raw_device().signal_semaphore(&info).unwrap();
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
        // SAFETY: what waits for it has ended.
        unsafe { self.device.as_hal::<Vulkan>().unwrap().raw_device().destroy_semaphore(self.semaphore, None) };
    }
}

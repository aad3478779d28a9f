//! Commands on their way to the device, and memory for them.

use crate::stats::BackendError;

/// Bytes of staging and other passing memory that may wait for the device.
const UNDER_WAY: u64 = 64 << 20;

/// A buffer that starts as zeros; mapped for writing where `usage` asks for that.
pub(super) fn buffer(
    device: &wgpu::Device,
    label: &str,
    size: u64,
    usage: wgpu::BufferUsages,
) -> Result<wgpu::Buffer, BackendError> {
    // An empty buffer cannot be bound.
    let size = size.max(16);
    if size > device.limits().max_buffer_size {
        return Err(BackendError::Memory { bytes: size });
    }
    let scope = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size,
        usage,
        mapped_at_creation: usage.contains(wgpu::BufferUsages::MAP_WRITE),
    });
    match pollster::block_on(scope.pop()) {
        Some(_) => Err(BackendError::Memory { bytes: size }),
        None => Ok(buffer),
    }
}

/// Commands that are recorded and handed over bit by bit.
pub(super) struct Work<'a> {
    pub(super) device: &'a wgpu::Device,
    pub(super) queue: &'a wgpu::Queue,
    pub(super) encoder: wgpu::CommandEncoder,
    /// Bytes of memory that this submission needs and the next does not.
    passing: u64,
    submitted: Option<wgpu::SubmissionIndex>,
}

impl<'a> Work<'a> {
    pub(super) fn new(device: &'a wgpu::Device, queue: &'a wgpu::Queue) -> Self {
        let encoder = device.create_command_encoder(&Default::default());
        Self { device, queue, encoder, passing: 0, submitted: None }
    }

    /// Waits until another `size` bytes of passing memory may be taken, and counts them.
    pub(super) fn make_room(&mut self, size: u64) -> Result<(), BackendError> {
        if self.passing > 0 && self.passing + size > UNDER_WAY {
            self.flush()?;
        }
        self.passing += size;
        Ok(())
    }

    /// A buffer that holds `contents`.
    pub(super) fn holding<T: bytemuck::NoUninit>(
        &mut self,
        label: &str,
        contents: &[T],
        usage: wgpu::BufferUsages,
    ) -> Result<wgpu::Buffer, BackendError> {
        let bytes: &[u8] = bytemuck::cast_slice(contents);
        self.passing += 2 * bytes.len() as u64;
        let usage = usage | wgpu::BufferUsages::COPY_DST;
        let buffer = buffer(self.device, label, bytes.len() as u64, usage)?;
        self.queue.write_buffer(&buffer, 0, bytes);
        Ok(buffer)
    }

    /// Hands over what is recorded, and waits for what was handed over before that.
    fn flush(&mut self) -> Result<(), BackendError> {
        let next = self.device.create_command_encoder(&Default::default());
        let commands = std::mem::replace(&mut self.encoder, next).finish();
        let before = self.submitted.replace(self.queue.submit([commands]));
        self.passing = 0;
        before.map_or(Ok(()), |index| wait_for(self.device, index))
    }

    /// Hands over what is recorded and waits for it.
    pub(super) fn finish(self) -> Result<(), BackendError> {
        let index = self.queue.submit([self.encoder.finish()]);
        wait_for(self.device, index)
    }
}

fn wait_for(device: &wgpu::Device, index: wgpu::SubmissionIndex) -> Result<(), BackendError> {
    let wait = wgpu::PollType::Wait { submission_index: Some(index), timeout: None };
    device.poll(wait).map(drop).map_err(|_| BackendError::Lost)
}

/// Waits for the device and returns what `buffer`, which can be mapped for reading, holds.
pub(super) fn read(device: &wgpu::Device, buffer: &wgpu::Buffer) -> Result<Vec<u32>, BackendError> {
    let (sender, receiver) = std::sync::mpsc::channel();
    buffer.map_async(wgpu::MapMode::Read, .., move |result| {
        // The receiver is gone only when nobody waits for the answer any more.
        sender.send(result).ok();
    });
    device.poll(wgpu::PollType::wait_indefinitely()).map_err(|_| BackendError::Lost)?;
    receiver.recv().map_err(|_| BackendError::Lost)?.map_err(|_| BackendError::Lost)?;
    let mapped = buffer.get_mapped_range(..).map_err(|_| BackendError::Lost)?;
    Ok(bytemuck::pod_collect_to_vec(&mapped))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing;

    #[test]
    fn what_the_device_cannot_hold_is_said() {
        let Some(gpu) = testing::gpu() else { return };
        let bytes = gpu.device.limits().max_buffer_size + 1;
        let refused = buffer(&gpu.device, "test", bytes, wgpu::BufferUsages::STORAGE);
        assert!(matches!(refused, Err(BackendError::Memory { bytes: told }) if told == bytes), "{refused:?}");
    }
}

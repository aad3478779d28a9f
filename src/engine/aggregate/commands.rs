//! Command submission in parts, and buffers for it.

use crate::stats::BackendError;

/// Greatest size of the transient buffers of a submission, in bytes.
const MAX_TRANSIENT: u64 = 64 << 20;

/// Creates a zeroed buffer of at least `size` bytes, mapped for writing if `usage` has `MAP_WRITE`.
///
/// # Errors
///
/// When it exceeds the limits or the memory of the device.
pub(super) fn create_buffer(
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

/// A command encoder that is submitted in parts, at most one of which is pending on the device.
pub(super) struct CommandStream<'a> {
    pub(super) device: &'a wgpu::Device,
    pub(super) queue: &'a wgpu::Queue,
    pub(super) encoder: wgpu::CommandEncoder,
    /// Size of the transient buffers of the recorded commands, in bytes.
    transient: u64,
    submitted: Option<wgpu::SubmissionIndex>,
}

impl<'a> CommandStream<'a> {
    pub(super) fn new(device: &'a wgpu::Device, queue: &'a wgpu::Queue) -> Self {
        let encoder = device.create_command_encoder(&Default::default());
        Self { device, queue, encoder, transient: 0, submitted: None }
    }

    /// Reserves `size` bytes for a transient buffer; submits the recorded commands first if they reserved too much
    /// already.
    pub(super) fn reserve(&mut self, size: u64) -> Result<(), BackendError> {
        if self.transient > 0 && self.transient + size > MAX_TRANSIENT {
            self.flush()?;
        }
        self.transient += size;
        Ok(())
    }

    /// Creates a transient buffer with `contents`.
    pub(super) fn buffer_with<T: bytemuck::NoUninit>(
        &mut self,
        label: &str,
        contents: &[T],
        usage: wgpu::BufferUsages,
    ) -> Result<wgpu::Buffer, BackendError> {
        let bytes: &[u8] = bytemuck::cast_slice(contents);
        self.transient += 2 * bytes.len() as u64;
        let usage = usage | wgpu::BufferUsages::COPY_DST;
        let buffer = create_buffer(self.device, label, bytes.len() as u64, usage)?;
        self.queue.write_buffer(&buffer, 0, bytes);
        Ok(buffer)
    }

    /// Submits the recorded commands and waits for the submission before them.
    fn flush(&mut self) -> Result<(), BackendError> {
        let next = self.device.create_command_encoder(&Default::default());
        let commands = std::mem::replace(&mut self.encoder, next).finish();
        let before = self.submitted.replace(self.queue.submit([commands]));
        self.transient = 0;
        before.map_or(Ok(()), |index| wait_for(self.device, index))
    }

    /// Submits the recorded commands and waits for them.
    pub(super) fn finish(self) -> Result<(), BackendError> {
        let index = self.queue.submit([self.encoder.finish()]);
        wait_for(self.device, index)
    }
}

fn wait_for(device: &wgpu::Device, index: wgpu::SubmissionIndex) -> Result<(), BackendError> {
    let wait = wgpu::PollType::Wait { submission_index: Some(index), timeout: None };
    device.poll(wait).map(drop).map_err(|_| BackendError::Lost)
}

/// Waits for the device and returns the contents of `buffer`, which has usage `MAP_READ`.
pub(super) fn read_buffer(device: &wgpu::Device, buffer: &wgpu::Buffer) -> Result<Vec<u32>, BackendError> {
    let (sender, receiver) = std::sync::mpsc::channel();
    buffer.map_async(wgpu::MapMode::Read, .., move |result| {
        // The receiver is gone only when the caller has stopped waiting.
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
    fn too_large_buffers_are_refused() {
        let Some(gpu) = testing::gpu() else { return };
        let bytes = gpu.device.limits().max_buffer_size + 1;
        let refused = create_buffer(&gpu.device, "test", bytes, wgpu::BufferUsages::STORAGE);
        assert!(matches!(refused, Err(BackendError::Memory { bytes: told }) if told == bytes), "{refused:?}");
    }
}

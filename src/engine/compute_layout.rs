//! The layouts of compute passes that bind whole buffers.

/// The use of a buffer in a shader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BufferUse {
    /// A uniform.
    Uniform,
    /// Storage that is read.
    Read,
    /// Storage that is read and written.
    Write,
}

/// Creates the layout of a bind group of `buffers`, bound from 0 on, and that of pipelines with this group alone.
pub(super) fn compute_layout(
    device: &wgpu::Device,
    [group, pipeline]: [&str; 2],
    buffers: &[BufferUse],
) -> (wgpu::BindGroupLayout, wgpu::PipelineLayout) {
    let entry = |(&buffer, binding): (&BufferUse, u32)| {
        let ty = match buffer {
            BufferUse::Uniform => wgpu::BufferBindingType::Uniform,
            BufferUse::Read | BufferUse::Write => {
                wgpu::BufferBindingType::Storage { read_only: buffer == BufferUse::Read }
            }
        };
        wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
            count: None,
        }
    };
    let entries: Vec<_> = buffers.iter().zip(0..).map(entry).collect();
    let group_layout = device
        .create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(group), entries: &entries });
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some(pipeline),
        bind_group_layouts: &[Some(&group_layout)],
        immediate_size: 0,
    });
    (group_layout, layout)
}

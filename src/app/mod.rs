//! The window: winit's events in, panels and scene out. Nothing here waits for files.

mod cache;
mod canvas;
mod loader;
mod session;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use winit::application::ApplicationHandler;
use winit::dpi::LogicalSize;
use winit::event::{StartCause, WindowEvent};
use winit::event_loop::{ActiveEventLoop, ControlFlow, EventLoop};
use winit::window::{Window, WindowId};

use self::canvas::{Canvas, Panels};
use self::loader::{Message, Send};
use self::session::Session;
use crate::model::{Source, Theme};
use crate::ui::interface;
use crate::ui::style;

/// Size of a fresh window, in points.
const SIZE: LogicalSize<f64> = LogicalSize::new(1280.0, 800.0);

/// How the window ended.
pub enum Ended {
    /// It was closed.
    Closed,
    /// There was no display to open it on; why.
    NoDisplay(String),
}

/// Opens a window on a recording and stays until it is closed.
///
/// # Errors
/// When no graphics driver can draw into a window, or when the recording cannot be opened: then the
/// window closes at once.
pub fn run(path: PathBuf) -> Result<Ended> {
    let event_loop = match EventLoop::<Message>::with_user_event().build() {
        Ok(event_loop) => event_loop,
        Err(error) => {
            // Without the place in winit's source that its text begins with.
            let text = error.to_string();
            let reason = text.rsplit(": ").next().unwrap_or(&text).trim_end_matches('.');
            return Ok(Ended::NoDisplay(reason.to_owned()));
        }
    };
    let proxy = event_loop.create_proxy();
    let send: Send = Arc::new(move |message| {
        // A closed window has no use for what was still being read.
        let _ = proxy.send_event(message);
    });
    loader::open(path.clone(), Arc::clone(&send));
    let mut app = App { path, send, window: None, state: State::Opening, failure: None, wake: None };
    event_loop.run_app(&mut app)?;
    app.failure.map_or(Ok(Ended::Closed), Err)
}

struct App {
    path: PathBuf,
    send: Send,
    window: Option<Shell>,
    state: State,
    /// Why there is nothing to show.
    failure: Option<anyhow::Error>,
    /// When the next frame is due although nothing happens.
    wake: Option<Instant>,
}

enum State {
    Opening,
    Opened(Box<Session>),
}

/// The window and what belongs to it.
struct Shell {
    window: Arc<Window>,
    input: egui_winit::State,
    canvas: Canvas,
    occluded: bool,
}

impl Shell {
    fn new(event_loop: &ActiveEventLoop) -> Result<Self> {
        let attributes =
            Window::default_attributes().with_title("dnnviz").with_inner_size(SIZE).with_visible(false);
        let window = Arc::new(event_loop.create_window(attributes).context("the display refused a window")?);
        let canvas = Canvas::new(Arc::clone(&window), event_loop.owned_display_handle())?;
        let ctx = egui::Context::default();
        style::install_fonts(&ctx);
        style::install_style(&ctx, Theme::Dark);
        let input = egui_winit::State::new(
            ctx,
            egui::ViewportId::ROOT,
            event_loop,
            Some(window.scale_factor() as f32),
            None,
            Some(canvas.max_texture_side()),
        );
        window.set_visible(true);
        Ok(Self { window, input, canvas, occluded: false })
    }
}

impl ApplicationHandler<Message> for App {
    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        if self.window.is_some() {
            return;
        }
        match Shell::new(event_loop) {
            Ok(shell) => {
                shell.window.request_redraw();
                self.window = Some(shell);
            }
            Err(error) => {
                self.failure = Some(error);
                event_loop.exit();
            }
        }
    }

    fn new_events(&mut self, _: &ActiveEventLoop, cause: StartCause) {
        if let StartCause::ResumeTimeReached { .. } = cause {
            self.wake = None;
            self.request_redraw();
        }
    }

    fn user_event(&mut self, event_loop: &ActiveEventLoop, message: Message) {
        self.take(message);
        if self.failure.is_some() {
            event_loop.exit();
        }
        self.request_redraw();
    }

    fn window_event(&mut self, event_loop: &ActiveEventLoop, _: WindowId, event: WindowEvent) {
        let Some(shell) = &mut self.window else { return };
        match &event {
            WindowEvent::CloseRequested => return event_loop.exit(),
            WindowEvent::RedrawRequested => return self.frame(event_loop),
            WindowEvent::Resized(size) => shell.canvas.resize(size.width, size.height),
            WindowEvent::Occluded(occluded) => shell.occluded = *occluded,
            _ => {}
        }
        if shell.input.on_window_event(&shell.window, &event).repaint {
            shell.window.request_redraw();
        }
    }

    fn device_event(
        &mut self,
        _: &ActiveEventLoop,
        _: winit::event::DeviceId,
        event: winit::event::DeviceEvent,
    ) {
        if let (Some(shell), winit::event::DeviceEvent::MouseMotion { delta }) = (&mut self.window, event)
            && shell.input.on_mouse_motion(delta)
        {
            shell.window.request_redraw();
        }
    }

    fn exiting(&mut self, _: &ActiveEventLoop) {
        // While the display is still there: the window and its surface first, then, at rest, the
        // device and whoever uploads to it.
        if let Some(shell) = self.window.take() {
            let gpu = Arc::clone(&shell.canvas.gpu);
            gpu.wait();
            drop(shell);
            self.state = State::Opening;
            gpu.wait();
        }
    }

    fn about_to_wait(&mut self, event_loop: &ActiveEventLoop) {
        event_loop.set_control_flow(self.wake.map_or(ControlFlow::Wait, ControlFlow::WaitUntil));
    }
}

impl App {
    fn request_redraw(&self) {
        if let Some(shell) = &self.window {
            shell.window.request_redraw();
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Opened(Ok(source)) => self.open(source),
            Message::Opened(Err(error)) => self.failure = Some(error.into()),
            Message::Field { key, field } => {
                if let State::Opened(session) = &mut self.state {
                    session.take_field(key, field);
                }
            }
            Message::Failed { key, reason } => {
                if let State::Opened(session) = &mut self.state {
                    session.take_failure(key, reason);
                }
            }
            Message::Picture { input, picture } => {
                if let (State::Opened(session), Some(shell)) = (&mut self.state, &self.window) {
                    session.take_picture(shell.input.egui_ctx(), input, picture);
                }
            }
        }
    }

    fn open(&mut self, source: Arc<dyn Source>) {
        let Some(shell) = &self.window else { return };
        shell.window.set_title(&format!("dnnviz – {}", source.recording().model));
        let session = Session::new(source, Arc::clone(&shell.canvas.gpu), Arc::clone(&self.send));
        self.state = State::Opened(Box::new(session));
    }

    /// One frame: input → panels → scene, if it changed → picture.
    fn frame(&mut self, event_loop: &ActiveEventLoop) {
        let Some(shell) = &mut self.window else { return };
        let size = shell.window.inner_size();
        if size.width == 0 || size.height == 0 || shell.occluded {
            return;
        }
        let ctx = shell.input.egui_ctx().clone();
        let input = shell.input.take_egui_input(&shell.window);
        let name = self.path.display().to_string();
        let (texture, adapter, ms) =
            (shell.canvas.scene(), shell.canvas.adapter().to_owned(), shell.canvas.scene_ms());
        let mut area = None;
        let output = ctx.run_ui(input, |ui| match &mut self.state {
            State::Opening => interface::waiting(ui, Theme::Dark, &format!("Opening {name}")),
            State::Opened(session) => area = Some(session.show(ui, texture, &adapter, ms).scene),
        });
        let pixels_per_point = output.pixels_per_point;
        let mut again = false;
        if let (State::Opened(session), Some(area)) = (&self.state, area) {
            let size = area.size() * pixels_per_point;
            again = shell.canvas.draw_scene(session, [size.x.round() as u32, size.y.round() as u32]);
        }
        let panels = Panels {
            primitives: ctx.tessellate(output.shapes, pixels_per_point),
            textures: output.textures_delta,
            pixels_per_point,
        };
        again |= !shell.canvas.present(panels);
        shell.input.handle_platform_output_with_event_loop(&shell.window, event_loop, output.platform_output);
        let root = output.viewport_output.get(&egui::ViewportId::ROOT);
        if root.is_some_and(|root| root.commands.contains(&egui::ViewportCommand::Close)) {
            // egui's own shortcut for leaving (Ctrl + Q).
            event_loop.exit();
        }
        let delay = root.map(|root| root.repaint_delay);
        self.wake = None;
        match delay {
            _ if again => shell.window.request_redraw(),
            Some(delay) if delay.is_zero() => shell.window.request_redraw(),
            Some(delay) => self.wake = Instant::now().checked_add(delay),
            None => {}
        }
    }
}

//! Where an encoding thread's pictures come from: the display itself, or the thread that looks at it.

use std::{os::fd::BorrowedFd, sync::Arc, time::Instant};

use model::Size;

use crate::{
    End,
    branch::Branch,
    capture::{CaptureError, Screen},
    mailbox::Taken,
    picture::{Flavour, Format, Picture, Pictures},
    scale::Scaler,
};

/// What became of an attempt to take a picture.
#[derive(Debug)]
pub(crate) enum Shutter {
    Taken(Taken),
    /// There is none for the one who asked: it was taken for others, none has come yet, or the display has another size by now.
    Nothing,
    /// Not this time; a few of these in a row are none any more.
    Missed(String),
}

pub(crate) trait Camera {
    /// Whether anybody wants pictures from here, apart from those who watch the encoder that it serves.
    fn is_wanted(&self) -> bool;
    /// It goes on when nobody watches, so that whoever comes next need not wait.
    fn outlives_viewers(&self) -> bool;
    /// Hears everything that was told. True if there is something new to be taken.
    fn changes(&mut self) -> Result<bool, End>;
    /// `wanted`: the encoder that this camera serves is watched.
    fn take(&mut self, wanted: bool) -> Result<Shutter, End>;
    /// The encoder has its picture: now the others may have theirs.
    fn pass_on(&mut self);
    /// Asks to be told of the next change; without it, or a take, nothing is told after the first.
    fn arm(&mut self) -> Result<(), End>;
    /// Readable when there is something to be heard, besides the bell.
    fn fd(&self) -> Option<BorrowedFd<'_>>;
}

/// Looks at the display. Converts what it shows once for each kind of picture that an encoder wants.
#[derive(Debug)]
pub(crate) struct Lens {
    screen: Screen,
    size: Size,
    /// What the encoder in this thread wants.
    own: Flavour,
    pictures: Vec<Pictures>,
    others: Vec<Arc<Branch>>,
    due: Vec<(usize, Taken)>,
}

impl Lens {
    pub fn new(screen: Screen, format: Format, others: Vec<Arc<Branch>>) -> Self {
        Self { screen, size: format.size, own: format.flavour, pictures: Vec::new(), others, due: Vec::new() }
    }
}

impl Camera for Lens {
    fn is_wanted(&self) -> bool {
        self.others.iter().any(|branch| branch.wants().is_some())
    }

    fn outlives_viewers(&self) -> bool {
        true
    }

    fn changes(&mut self) -> Result<bool, End> {
        let hungry = self.others.iter().filter(|branch| branch.mailbox.takes_hunger()).count() > 0;
        Ok(self.screen.changes().map_err(gone)? || hungry)
    }

    fn take(&mut self, wanted: bool) -> Result<Shutter, End> {
        let captured = Instant::now();
        let shot = match self.screen.grab(self.size) {
            Ok(Some(shot)) => shot,
            Ok(None) => return Ok(Shutter::Nothing),
            Err(CaptureError::Refused(why)) => return Ok(Shutter::Missed(why)),
            Err(error @ CaptureError::Gone) => return Err(gone(error)),
        };
        let mut taken: Vec<(Flavour, Arc<Picture>)> = Vec::with_capacity(1);
        let mut develop = |flavour: Flavour| {
            if let Some((_, picture)) = taken.iter().find(|(known, _)| *known == flavour) {
                return Ok(Arc::clone(picture));
            }
            let pool = self.pictures.iter().position(|pictures| pictures.flavour() == flavour);
            let pool = pool.unwrap_or_else(|| {
                self.pictures.push(Pictures::new(Format { size: self.size, flavour }));
                self.pictures.len() - 1
            });
            let picture = self.pictures[pool]
                .picture(shot)
                .map_err(|error| End::EncoderFailed(format!("the picture cannot be converted: {error}")))?;
            taken.push((flavour, Arc::clone(&picture)));
            Ok(picture)
        };
        let own = wanted.then(|| develop(self.own)).transpose()?;
        for (index, branch) in self.others.iter().enumerate() {
            if let Some(flavour) = branch.wants() {
                self.due.push((index, Taken { picture: develop(flavour)?, captured }));
            }
        }
        Ok(own.map_or(Shutter::Nothing, |picture| Shutter::Taken(Taken { picture, captured })))
    }

    fn pass_on(&mut self) {
        for (index, taken) in self.due.drain(..) {
            self.others[index].mailbox.put(taken);
            self.others[index].wishes.bell().ring();
        }
    }

    fn arm(&mut self) -> Result<(), End> {
        self.screen.arm().map_err(gone)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.screen.fd())
    }
}

fn gone(error: CaptureError) -> End {
    tracing::debug!(%error, "the display cannot be captured any more");
    End::WindowGone
}

/// Takes what the display's own thread puts into the mailbox, and makes it as small as this branch is.
#[derive(Debug)]
pub(crate) struct Copyist {
    branch: Arc<Branch>,
    scaler: Scaler,
}

impl Copyist {
    pub fn new(branch: Arc<Branch>, format: Format) -> Self {
        Self { branch, scaler: Scaler::new(format) }
    }
}

impl Camera for Copyist {
    fn is_wanted(&self) -> bool {
        false
    }

    fn outlives_viewers(&self) -> bool {
        false
    }

    fn changes(&mut self) -> Result<bool, End> {
        Ok(!self.branch.mailbox.is_empty())
    }

    fn take(&mut self, _wanted: bool) -> Result<Shutter, End> {
        let Some(Taken { picture, captured }) = self.branch.mailbox.take() else {
            return Ok(Shutter::Nothing);
        };
        let picture = self
            .scaler
            .scaled(picture)
            .map_err(|error| End::EncoderFailed(format!("the picture cannot be made smaller: {error}")))?;
        Ok(Shutter::Taken(Taken { picture, captured }))
    }

    fn pass_on(&mut self) {}

    fn arm(&mut self) -> Result<(), End> {
        Ok(())
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

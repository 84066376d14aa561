//! `bz2` and `numcodecs.bz2`.

use bzip2::{Action, Compress, Compression, Decompress, Status};

use super::error::{CodecError, Result};
use super::scratch::{Scratch, reserve};
use super::size::Size;
use super::{BytesToBytes, Decoded};

const NAME: &str = "bz2";

/// The `bz2` codec.
#[derive(Debug, Clone)]
pub(crate) struct Bz2 {
    level: u32,
}

impl Bz2 {
    /// `level` is 1 to 9: blocks of that many times 100 kB.
    ///
    /// # Errors
    /// [`CodecErrorKind::InvalidConfiguration`](super::CodecErrorKind::InvalidConfiguration) for other levels.
    pub(crate) fn new(level: i64) -> Result<Self> {
        match u32::try_from(level) {
            Ok(level @ 1..=9) => Ok(Self { level }),
            _ => Err(CodecError::configuration(
                NAME,
                format_args!("level {level} is not in 1..=9"),
            )),
        }
    }
}

fn count(total: u64) -> usize {
    usize::try_from(total).unwrap_or(usize::MAX)
}

impl BytesToBytes for Bz2 {
    fn name(&self) -> &str {
        NAME
    }

    fn encoded_size(&self, decoded: Size) -> Size {
        decoded.compressed()
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8], _scratch: &mut Scratch) -> Result<Decoded> {
        let (mut input, mut filled) = (encoded, 0);
        // Streams may follow each other, as `bzip2` itself writes them for appended files.
        loop {
            let mut stream = Decompress::new(false);
            loop {
                let rest = input.get(count(stream.total_in())..).unwrap_or_default();
                let (read, wrote) = (stream.total_in(), stream.total_out());
                let space = out.get_mut(filled + count(wrote)..).unwrap_or_default();
                match stream
                    .decompress(rest, space)
                    .map_err(|error| CodecError::corrupt(NAME, error))?
                {
                    Status::StreamEnd => break,
                    Status::Ok | Status::FlushOk | Status::RunOk | Status::FinishOk | Status::MemNeeded => {}
                }
                if stream.total_in() == read && stream.total_out() == wrote {
                    let full = filled + count(wrote) == out.len();
                    return if full && count(read) < input.len() {
                        Ok(Decoded::TooLong)
                    } else {
                        Err(CodecError::corrupt(NAME, "the stream is truncated"))
                    };
                }
            }
            filled += count(stream.total_out());
            input = input.get(count(stream.total_in())..).unwrap_or_default();
            if input.is_empty() {
                return Ok(Decoded::Complete(filled));
            }
        }
    }

    fn max_expansion(&self) -> u64 {
        // A block of 900 kB of runs stands for 259/5 as much and fits in some 40 bytes.
        1_500_000
    }

    fn encode(&self, decoded: &[u8], _scratch: &mut Scratch) -> Result<Vec<u8>> {
        let mut out = reserve(NAME, decoded.len() / 100 + decoded.len() + 600)?;
        let mut stream = Compress::new(Compression::new(self.level), 0);
        loop {
            let rest = decoded.get(count(stream.total_in())..).unwrap_or_default();
            match stream.compress_vec(rest, &mut out, Action::Finish) {
                Ok(Status::StreamEnd) => return Ok(out),
                Ok(_) => out.reserve(1 << 16),
                Err(error) => return Err(CodecError::unencodable(NAME, error)),
            }
        }
    }
}

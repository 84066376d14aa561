//! [`Races`]: whether a chunk that others write too is tried again.

use zarr_fs::Version;

/// So many races may be lost. Each is another's success, so all together get on; one of eight writers wins one time in eight,
/// and would lose sixteen in a row every ninth time.
const MOST: usize = 256;

/// So often a write may be refused while nobody else has written: by a server that refuses every condition,
/// or where a cache shows an old version.
const MOST_IN_VAIN: usize = 16;

/// The refusals that a change of one chunk has met.
#[derive(Debug, Default)]
pub(super) struct Races {
    lost: usize,
    in_vain: usize,
    last: Option<Option<Version>>,
}

impl Races {
    /// Whether to try again, after a write was refused that expected `version` (`None`: no chunk).
    pub(super) fn again(&mut self, version: Option<Version>) -> bool {
        let version = Some(version);
        self.lost += 1;
        self.in_vain = if self.last == version { self.in_vain + 1 } else { 1 };
        self.last = version;
        self.lost < MOST && self.in_vain < MOST_IN_VAIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusals(version: impl Fn(usize) -> Option<Version>) -> usize {
        let mut races = Races::default();
        (1..).find(|count| !races.again(version(*count))).unwrap()
    }

    #[test]
    fn races_are_many_and_what_is_in_vain_is_not() {
        let of = |count: usize| {
            Some(Version {
                etag: Some(format!("{count}")),
                generation: None,
            })
        };
        assert_eq!(refusals(of), MOST);
        assert_eq!(refusals(|_| of(1)), MOST_IN_VAIN);
        assert_eq!(refusals(|_| None), MOST_IN_VAIN);
        assert_eq!(refusals(|count| of(count / 10)), MOST);
    }
}

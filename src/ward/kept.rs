//! The files of one ward: its charge, the parts of its list, and the guardian's own watch.
//!
//! Parts count once all of them are here: then the charge names their mandate, and what went with
//! an older one is removed. A crash in between leaves the old charge and the old parts.

use chunker::{OwnerId, Record};
use store::{Wards, WardsError};

use super::{Charge, Ward, Watch};

const CHARGE: &str = "charge";
const WATCH: &str = "watch";

/// One owner's files. Every call blocks. What cannot be read counts as not there.
#[derive(Debug)]
pub struct Kept<'a> {
    wards: &'a Wards,
    owner: OwnerId,
}

impl<'a> Kept<'a> {
    /// Those of this owner.
    pub fn new(wards: &'a Wards, owner: OwnerId) -> Self {
        Self { wards, owner }
    }

    /// Under which mandate the owner is cared for.
    pub fn charge(&self) -> Result<Option<Charge>, WardsError> {
        self.read(CHARGE)
    }

    /// A part of the list that goes with a charge.
    pub fn part(&self, charge: &Charge, part: u32) -> Result<Option<Ward>, WardsError> {
        let ward: Option<Ward> = self.read(&name(charge, part))?;
        Ok(ward.filter(Ward::is_sound))
    }

    /// What was seen and done since it was entrusted.
    pub fn watch(&self) -> Result<Watch, WardsError> {
        Ok(self.read(WATCH)?.unwrap_or_default())
    }

    /// Notes what was seen and done, durably.
    pub fn note(&self, watch: &Watch) -> Result<(), WardsError> {
        self.wards.put(self.owner, WATCH, &watch.encode())
    }

    /// Takes a part; with the last one, the charge it belongs to. A part of a charge that is no
    /// newer than the one here was said again, or replayed, and changes nothing.
    pub fn take(
        &self,
        new: &Charge,
        part: u32,
        body: &[u8],
        now_secs: u64,
    ) -> Result<(), WardsError> {
        let old = self.charge()?;
        if old.as_ref().is_some_and(|old| old.mandate.since_secs >= new.mandate.since_secs) {
            return Ok(());
        }
        self.wards.put(self.owner, &name(new, part), body)?;
        // Parts of a list that was never finished do not add up.
        let both: Vec<&Charge> = old.iter().chain([new]).collect();
        self.drop_parts_but(&both)?;
        for part in 0..new.parts {
            if self.wards.get(self.owner, &name(new, part), Ward::LIMIT)?.is_none() {
                return Ok(());
            }
        }
        // What was moved for the old list is in the new one, or is found missing there again.
        let watch = Watch { owner_seen_secs: now_secs, moves: Vec::new(), ..self.watch()? };
        self.note(&watch)?;
        self.wards.put(self.owner, CHARGE, &new.encode())?;
        self.drop_parts_but(&[new])
    }

    fn drop_parts_but(&self, charges: &[&Charge]) -> Result<(), WardsError> {
        let of = |charge: &&Charge| (0..charge.parts).map(|part| name(charge, part)).collect();
        let kept: Vec<Vec<String>> = charges.iter().map(of).collect();
        let known = |file: &str| kept.iter().flatten().any(|name| name == file);
        self.wards.keep_only(self.owner, |file| file == CHARGE || file == WATCH || known(file))
    }

    fn read<T: Record>(&self, name: &str) -> Result<Option<T>, WardsError> {
        let bytes = self.wards.get(self.owner, name, T::LIMIT)?;
        Ok(bytes.and_then(|bytes| T::decode(&bytes).ok()))
    }
}

fn name(charge: &Charge, part: u32) -> String {
    format!("part-{}-{part}", charge.mandate.since_secs)
}

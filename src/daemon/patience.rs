//! The rules of care as this install's settings have them.

use crate::care::{Policy, Rules};
use crate::config::Config;
use crate::config::caring::Period;
use crate::flow::repair::RepairPlan;

/// How silence is read. Looks add at most four times the period of looking, so that a machine that
/// was off itself finds nobody late.
pub(super) fn rules(config: &Config) -> Rules {
    let (defaults, set) = (Rules::default(), &config.repair);
    let or = |wish: Option<Period>, default| wish.map_or(default, |period| period.0);
    let presume_after = or(set.presume_lost_after, defaults.presume_after);
    Rules {
        suspect_after: or(set.suspect_after, defaults.suspect_after.min(presume_after / 4)),
        away_after: or(set.away_after, defaults.away_after.min(presume_after / 2)),
        presume_after,
        presume_most: match set.presume_lost_after {
            Some(period) => period.0 * 3,
            None => defaults.presume_most,
        },
        lost_after: or(set.lost_after, defaults.lost_after),
        look_gap: config.schedule.look.0 * 4,
        ..defaults
    }
}

/// When a pack is mended.
pub(super) fn policy(config: &Config) -> Policy {
    Policy { repair_at: config.placement.repair_at }
}

/// What a repair does: everything that is missing, or only what is due.
pub(super) fn repair(config: &Config, all: bool) -> RepairPlan {
    let up = Some(config.repair.up.0).filter(|up| *up > 0);
    RepairPlan { policy: policy(config), all, up }
}

//! What devices say.
//!
//! A line is kept as words in padded slots, each of which is written by one store of fixed size.

use wellhead_sdk::{Put, Words, Writer};

use crate::incidents::Kind;

/// One thing to say.
pub(crate) struct Line {
    pub severity: Words<1>,
    pub component: Words<1>,
    pub event: Words<1, 32>,
    /// The message before its number and after it.
    before: Words<1, 32>,
    after: Words<1, 32>,
    /// What stands between the number and the text after it.
    separator: u8,
    /// The number is in `low..low + span`.
    pub low: u32,
    pub span: u32,
}

impl Line {
    /// The message with its number.
    #[inline(always)]
    pub fn message(&'static self, number: u32) -> Message {
        Message { line: self, number }
    }
}

/// A line's message for people.
#[derive(Clone, Copy)]
pub(crate) struct Message {
    line: &'static Line,
    number: u32,
}

impl Put for Message {
    #[inline(always)]
    fn put(self, writer: &mut Writer<'_>) {
        writer.begin_word(self.line.before.at(0));
        writer.byte(b' ');
        writer.u32(self.number);
        writer.end_word(self.line.separator, self.line.after.at(0));
    }
}

macro_rules! lines {
    ($severity:literal: $(
        $component:literal $event:literal $before:literal [$numbers:expr] $separator:literal
        $after:literal;
    )*) => {
        [$(Line {
            severity: Words::new([$severity]),
            component: Words::new([$component]),
            event: Words::new([$event]),
            before: Words::new([$before]),
            after: Words::new([$after]),
            separator: $separator,
            low: $numbers.start,
            span: $numbers.end - $numbers.start,
        }),*]
    };
}

/// What a device says that is well, by severity. The first four of each need no uplink, so that a
/// device says them in any state.
#[rustfmt::skip]
pub(crate) static ORDINARY: [[Line; 8]; 5] = [
    lines! { "debug":
        "kernel" "kernel.irq_balance" "irq" [16..64] b' ' "moved to cpu1";
        "storage" "storage.cache_flush" "page cache flushed," [4..900] b' ' "pages";
        "sensor" "sensor.poll" "polled sensor bus," [4..24] b' ' "readings";
        "memory" "memory.gc" "collector freed" [64..4096] b' ' "kB";
        "network" "network.arp_refresh" "arp entry refreshed in" [1..40] b' ' "ms";
        "agent" "agent.config_poll" "no new configuration, ask in" [30..300] b' ' "s";
        "thermal" "thermal.fan_step" "fan duty set to" [20..60] b' ' "%";
        "security" "security.key_cache" "session key reused, valid for" [60..3600] b' ' "s";
    },
    lines! { "info":
        "sensor" "sensor.sampled" "sampled" [4..24] b' ' "sensors";
        "storage" "storage.log_rotate" "rotated logs," [1..64] b' ' "MB freed";
        "agent" "agent.job_done" "scheduled job finished in" [40..9000] b' ' "ms";
        "kernel" "kernel.cpu_freq" "cpu frequency set to" [600..1800] b' ' "MHz";
        "agent" "agent.heartbeat" "heartbeat acknowledged in" [8..220] b' ' "ms";
        "sensor" "sensor.batch_published" "published batch of" [10..500] b' ' "readings";
        "network" "network.dhcp_renew" "lease renewed for" [3600..86_400] b' ' "s";
        "security" "security.session_open" "operator session from port" [32_768..60_999] b' ' "opened";
    },
    lines! { "warning":
        "storage" "storage.space_low" "data partition is" [80..95] b' ' "% full";
        "memory" "memory.pressure" "available memory down to" [40..200] b' ' "MB";
        "thermal" "thermal.warm" "board temperature at" [68..79] b' ' "C";
        "sensor" "sensor.stale" "no reading from bus for" [5..60] b' ' "s";
        "network" "network.retransmits" "eth0 with" [20..400] b' ' "retransmits in a minute";
        "agent" "agent.slow_ack" "broker took" [1000..5000] b' ' "ms to acknowledge";
        "power" "power.voltage_dip" "supply voltage dipped to" [10_800..11_600] b' ' "mV";
        "security" "security.login_failed" "logins failed:" [3..9] b' ' "in the last hour";
    },
    lines! { "error":
        "sensor" "sensor.crc_mismatch" "checksum mismatch on frame" [1..65_535] b',' " frame dropped";
        "storage" "storage.fsync_slow" "fsync took" [900..4000] b' ' "ms, journal stalled";
        "agent" "agent.job_failed" "scheduled job gave status" [1..127] b' ' "after retries";
        "kernel" "kernel.usb_reset" "usb port" [1..4] b' ' "reset, enumeration error";
        "agent" "agent.publish_failed" "publish failed after" [3..6] b' ' "attempts, kept on disk";
        "network" "network.dns_timeout" "name resolution took over" [2000..9000] b' ' "ms";
        "security" "security.cert_rejected" "peer certificate expired" [1..90] b' ' "days ago";
        "sensor" "sensor.calibration_lost" "calibration of channel" [1..16] b' ' "out of range";
    },
    lines! { "critical":
        "agent" "agent.watchdog" "restarted by watchdog after" [30..90] b' ' "s of silence";
        "kernel" "kernel.oops" "oops in driver worker, cpu" [0..4] b',' " tainted";
        "storage" "storage.read_only" "fault at block" [4096..4_000_000] b',' " filesystem now read-only";
        "sensor" "sensor.bus_dead" "sensor bus without answer," [4..24] b' ' "sensors lost";
        "security" "security.tamper" "case opened, tamper counter" [1..9] b' ' "and counting";
        "network" "network.modem_lost" "modem disappeared, attempt" [1..5] b' ' "to power-cycle it";
        "power" "power.battery_fault" "backup battery at" [1..9] b' ' "% of its capacity";
        "memory" "memory.ecc_fatal" "memory bank" [0..8] b' ' "with uncorrectable error";
    },
];

/// What a device says in an incident, by its kind: warnings, errors, critical ones.
#[rustfmt::skip]
pub(crate) static FAILURES: [[[Line; 4]; 3]; 5] = [
    [
        lines! { "warning":
            "network" "network.loss" "packet loss to gateway at" [5..60] b' ' "%";
            "network" "network.latency" "round trip to broker at" [400..4000] b' ' "ms";
            "agent" "agent.backlog" "uplink slow," [100..20_000] b' ' "records wait for it";
            "network" "network.flap" "eth0 changed state" [2..30] b' ' "times in a minute";
        },
        lines! { "error":
            "network" "network.link_down" "eth0 down, carrier lost for" [1..600] b' ' "s";
            "network" "network.gateway_unreachable" "gateway lost, probe" [3..200] b' ' "without answer";
            "agent" "agent.broker_unreachable" "broker gave no answer for" [5000..30_000] b' ' "ms";
            "agent" "agent.publish_failed" "publish failed, retry in" [1..300] b' ' "s";
        },
        lines! { "critical":
            "network" "network.offline" "no route for" [60..1800] b' ' "s, working offline";
            "agent" "agent.buffer_full" "offline buffer full," [10..9000] b' ' "records dropped";
            "network" "network.failover_failed" "failover to modem failed" [1..9] b' ' "times";
            "security" "security.tunnel_down" "tunnel down for" [60..1800] b' ' "s";
        },
    ],
    [
        lines! { "warning":
            "power" "power.brownout" "input at" [9000..10_900] b' ' "mV";
            "power" "power.on_battery" "running on battery," [20..95] b' ' "% left";
            "kernel" "kernel.throttled" "cpu throttled to" [400..900] b' ' "MHz to save power";
            "power" "power.ripple" "ripple of" [120..700] b' ' "mV on main rail";
        },
        lines! { "error":
            "power" "power.mains_lost" "mains lost" [1..600] b' ' "s ago";
            "power" "power.rail_low" "5 V rail at" [4100..4700] b' ' "mV";
            "sensor" "sensor.supply_off" "sensor supply switched off," [4..24] b' ' "sensors dark";
            "storage" "storage.write_cache_off" "write cache off, flushed" [1..50] b' ' "pages";
        },
        lines! { "critical":
            "power" "power.battery_low" "battery at" [1..10] b' ' "%, shutting down";
            "power" "power.rail_fault" "over-current on rail" [1..4] b' ' "switched off";
            "kernel" "kernel.emergency_sync" "emergency sync," [10..4000] b' ' "dirty pages";
            "power" "power.shutdown" "powering off in" [1..30] b' ' "s";
        },
    ],
    [
        lines! { "warning":
            "storage" "storage.write_slow" "write to mmcblk0 took" [800..5000] b' ' "ms";
            "storage" "storage.wear" "flash wear at" [85..99] b' ' "%";
            "storage" "storage.ecc_corrected" "flash had" [10..900] b' ' "errors corrected in a minute";
            "kernel" "kernel.io_wait" "cpu waits for i/o" [30..90] b' ' "% of the time";
        },
        lines! { "error":
            "storage" "storage.io_error" "mmcblk0, sector" [2048..60_000_000] b' ' "i/o error";
            "storage" "storage.journal_abort" "journal transaction" [1000..900_000] b' ' "aborted";
            "agent" "agent.spool_failed" "cannot spool," [10..9000] b' ' "records held in memory";
            "storage" "storage.write_timeout" "write timed out after" [5000..30_000] b' ' "ms";
        },
        lines! { "critical":
            "storage" "storage.read_only" "remounted read-only after" [5..30] b' ' "errors";
            "storage" "storage.device_lost" "mmcblk0 gone after" [2..9] b' ' "resets";
            "agent" "agent.data_loss" "spool lost," [1..9000] b' ' "records gone";
            "storage" "storage.superblock" "superblock bad, backup" [1..6] b' ' "in use";
        },
    ],
    [
        lines! { "warning":
            "memory" "memory.leak" "agent grew by" [20..400] b' ' "MB in an hour";
            "memory" "memory.swap" "swapping" [100..9000] b' ' "pages a second";
            "kernel" "kernel.load" "load average at" [8..60] b' ' "over five minutes";
            "agent" "agent.queue_long" "work queue at" [1000..60_000] b' ' "entries";
        },
        lines! { "error":
            "memory" "memory.oom_kill" "out of memory, process" [300..32_000] b' ' "killed";
            "memory" "memory.alloc_failed" "allocation of order" [2..9] b' ' "failed";
            "agent" "agent.crash" "agent ended by signal" [6..12] b',' " restarting";
            "kernel" "kernel.hung_task" "task blocked for" [120..900] b' ' "s";
        },
        lines! { "critical":
            "memory" "memory.oom_panic" "nothing left to kill," [1..40] b' ' "MB free";
            "kernel" "kernel.soft_lockup" "cpu stuck for" [22..90] b' ' "s";
            "agent" "agent.restart_loop" "agent restarted" [5..40] b' ' "times in ten minutes";
            "kernel" "kernel.watchdog_bite" "hardware watchdog fires in" [1..10] b' ' "s";
        },
    ],
    [
        lines! { "warning":
            "thermal" "thermal.hot" "board temperature at" [80..90] b' ' "C";
            "thermal" "thermal.fan_slow" "fan at" [300..1200] b' ' "rpm";
            "kernel" "kernel.throttled" "cpu throttled to" [400..900] b' ' "MHz";
            "sensor" "sensor.drift" "readings drift by" [2..20] b' ' "% with temperature";
        },
        lines! { "error":
            "thermal" "thermal.over_limit" "board temperature at" [91..99] b' ' "C";
            "thermal" "thermal.fan_stopped" "fan without pulse for" [2..60] b' ' "s";
            "storage" "storage.too_hot" "flash throttled at" [85..99] b' ' "C";
            "network" "network.phy_error" "eth0 too warm," [10..900] b' ' "symbol errors";
        },
        lines! { "critical":
            "thermal" "thermal.trip" "thermal trip point passed at" [100..112] b' ' "C";
            "thermal" "thermal.shutdown" "shut down to cool, back in" [60..600] b' ' "s";
            "power" "power.regulator_hot" "regulator at" [120..140] b' ' "C";
            "kernel" "kernel.cpu_offline" "cpu" [1..4] b' ' "taken offline";
        },
    ],
];

/// A boot, step by step.
#[rustfmt::skip]
static BOOT: [Line; 12] = lines! { "info":
    "boot" "boot.bootloader" "bootloader starts slot" [0..2] b' ' "verified";
    "kernel" "kernel.start" "kernel started on" [2..5] b' ' "cores";
    "memory" "memory.map" "memory checked," [900..2000] b' ' "MB usable";
    "storage" "storage.check" "filesystem clean after" [200..3000] b' ' "ms";
    "storage" "storage.mount" "data mounted," [0..400] b' ' "transactions replayed";
    "power" "power.rails" "all rails good, input at" [11_700..12_400] b' ' "mV";
    "network" "network.link_up" "eth0 up after" [400..3000] b' ' "ms";
    "network" "network.dhcp" "address leased for" [3600..86_400] b' ' "s";
    "security" "security.tunnel_up" "tunnel up in" [200..2500] b' ' "ms";
    "sensor" "sensor.init" "sensor bus up," [4..24] b' ' "sensors found";
    "agent" "agent.connect" "connected to broker in" [80..900] b' ' "ms";
    "boot" "boot.complete" "boot complete," [38..64] b' ' "services running";
};

/// How a device comes back that was cut off but never down.
#[rustfmt::skip]
static RECONNECT: [Line; 12] = lines! { "info":
    "network" "network.carrier" "carrier back after" [60..2400] b' ' "s";
    "network" "network.link_up" "eth0 up after" [400..3000] b' ' "ms";
    "network" "network.dhcp" "address leased for" [3600..86_400] b' ' "s";
    "network" "network.gateway" "gateway answers in" [1..40] b' ' "ms";
    "network" "network.dns" "name resolution back," [1..30] b' ' "ms";
    "kernel" "kernel.time_sync" "clock stepped by" [100..9000] b' ' "us";
    "security" "security.tunnel_up" "tunnel up in" [200..2500] b' ' "ms";
    "agent" "agent.connect" "connected to broker in" [80..900] b' ' "ms";
    "agent" "agent.drain" "sending backlog," [1000..20_000] b' ' "records left";
    "agent" "agent.drain" "sending backlog," [100..1000] b' ' "records left";
    "agent" "agent.drain" "sending backlog," [1..100] b' ' "records left";
    "agent" "agent.recovered" "backlog sent, uplink at" [8..220] b' ' "ms";
};

/// What goes before the boot in an update.
#[rustfmt::skip]
static DOWNLOAD: [Line; 4] = lines! { "info":
    "updater" "updater.announced" "new release announced," [20..90] b' ' "MB";
    "updater" "updater.download" "downloading," [5..99] b' ' "% done";
    "updater" "updater.verify" "signature verified in" [300..2000] b' ' "ms";
    "updater" "updater.install" "installed to spare slot," [1..9] b' ' "s to boot";
};

/// The line of a step: 0 to 3 go before the boot in an update, 4 to 15 are the way back.
#[inline(always)]
pub(crate) fn sequence(kind: Kind, step: u32) -> &'static Line {
    let step = step as usize;
    match (kind, step.checked_sub(4)) {
        (_, None) => &DOWNLOAD[step],
        (Kind::Network, Some(step)) => &RECONNECT[step],
        (_, Some(step)) => &BOOT[step],
    }
}

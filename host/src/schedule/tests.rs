//! What the schedule promises, over all profiles.

use std::sync::Arc;

use super::*;

mod changes;
mod properties;

const S: Nanos = SECOND;

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

fn stage(length: Nanos, from: &str, to: &str) -> Stage {
    Stage {
        length,
        from: rate(from),
        to: rate(to),
    }
}

fn begin(profile: Profile) -> Schedule {
    Schedule::begin(profile, Speed::Times(1.0), Gap::Shift, 1_000 * S)
}

/// Profile times of the first `n` ticks.
fn ticks(profile: Profile, n: usize) -> Vec<Nanos> {
    let (mut times, mut told) = (Vec::new(), Vec::new());
    let log = Arc::new(begin(profile));
    Cursor::new(&log, Bound::default(), 7, 0, 1).fill(n, Nanos::MAX, &mut times, &mut told);
    assert!(times.iter().zip(&told).all(|(t, e)| t + 1_000 * S == *e));
    times
}

#[test]
fn constant_is_rounded_from_the_exact_fraction() {
    let thirds = ticks(Profile::constant(rate("3/s")).unwrap(), 7);
    assert_eq!(
        thirds,
        [
            0,
            333_333_333,
            666_666_667,
            S,
            1_333_333_333,
            1_666_666_667,
            2 * S
        ]
    );
    let halves = ticks(Profile::constant(Rate::new(2, 5).unwrap()).unwrap(), 5);
    assert_eq!(halves, [0, 3, 5, 8, 10]);
    // A year at 7 a minute: no drift.
    let log = begin(Profile::constant(rate("7/min")).unwrap());
    assert_eq!(log.time_of(7 * 60 * 24 * 365, 0), 365 * 86_400 * S);
}

#[test]
fn every_gives_so_many_at_each_beat() {
    let beats = ticks(Profile::every(2 * S, 3).unwrap(), 7);
    assert_eq!(beats, [0, 0, 0, 2 * S, 2 * S, 2 * S, 4 * S]);
}

#[test]
fn max_goes_on_by_the_step() {
    assert_eq!(
        ticks(Profile::max(1_000_000).unwrap(), 3),
        [0, 1_000_000, 2_000_000]
    );
}

#[test]
fn stages_integrate_the_rate() {
    // 0 → 10/s in 10 s holds 50; tick k falls at sqrt(2k) seconds. Then 10/s for good.
    let times = ticks(
        Profile::stages(vec![stage(10 * S, "0/s", "10/s")]).unwrap(),
        100,
    );
    for (k, &time) in times.iter().enumerate().take(50) {
        let exact = libm::sqrt(2.0 * k as f64) * 1e9;
        assert!(
            (time as f64 - exact).abs() <= 2.0,
            "tick {k}: {time}, {exact}"
        );
    }
    assert!(times[50].abs_diff(10 * S) <= 1 && times[99].abs_diff(14_900_000_000) <= 1);
}

#[test]
fn a_ramp_to_nothing_ends() {
    let log = Arc::new(begin(
        Profile::stages(vec![stage(10 * S, "10/s", "0/s")]).unwrap(),
    ));
    let mut cursor = Cursor::new(&log, Bound::default(), 7, 0, 1);
    let (mut times, mut told) = (Vec::new(), Vec::new());
    let given = cursor.fill(1_000, Nanos::MAX, &mut times, &mut told);
    assert!(given == 50 && cursor.ended() && cursor.peek().is_none());
    assert_eq!(log.time_of(50, 7), Nanos::MAX);
    assert_eq!(cursor.count_below(Nanos::MAX), 50);
}

#[test]
fn a_burst_begins_with_its_period_and_ends_with_its_length() {
    let times = ticks(
        Profile::burst(rate("100/s"), Rate::ZERO, 10 * S, S).unwrap(),
        100_000,
    );
    for (burst, ticks) in times.chunks(100).enumerate() {
        let into = ticks[0] - burst as u64 * 10 * S;
        assert!(into <= 1_000, "burst {burst} begins {into} ns in");
        assert!(ticks[99] - ticks[0] <= 990_000_000 && ticks[99] - ticks[0] >= 989_999_000);
    }
    let base = Profile::burst(rate("100/s"), rate("1/s"), 10 * S, S).unwrap();
    let times = ticks(base, 218);
    assert!(times[109].abs_diff(10 * S) < 5 && times[101] > 1_900_000_000);
}

#[test]
fn a_sine_peaks_where_it_is_told() {
    let day = 86_400 * S;
    let profile = Profile::sine(rate("2/s"), rate("10/s"), day, 14 * 3_600 * S).unwrap();
    let log = begin(profile);
    let in_hour = |hour: u64| {
        let below = |t| log.ticks_below(t, 0, &Bound::default());
        (below((hour + 1) * 3_600 * S) - below(hour * 3_600 * S)) as f64 / 3_600.0
    };
    for hour in 0..48 {
        let middle = (hour as f64 + 0.5 - 14.0) / 24.0 * std::f64::consts::TAU;
        let exact = 6.0 + 4.0 * libm::cos(middle);
        assert!(
            (in_hour(hour) - exact).abs() < 0.02,
            "hour {hour}: {}, {exact}",
            in_hour(hour)
        );
    }
    // A year holds what the mean says, to a few.
    assert!(
        log.ticks_below(365 * day, 0, &Bound::default())
            .abs_diff(6 * 86_400 * 365)
            < 10
    );
}

#[test]
fn poisson_has_the_moments_of_a_poisson_process() {
    for (text, n) in [("0.2/s", 20_000), ("5/s", 100_000), ("400/s", 200_000)] {
        let mean = rate(text).per_second();
        let times = ticks(Profile::poisson(rate(text)).unwrap(), n);
        let gaps: Vec<f64> = times
            .windows(2)
            .map(|w| (w[1] - w[0]) as f64 / 1e9 * mean)
            .collect();
        let average = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let square = gaps.iter().map(|g| g * g).sum::<f64>() / gaps.len() as f64;
        // Exponential gaps: mean 1, mean square 2; a constant rate would have 1.
        assert!(
            (average - 1.0).abs() < 5.0 / libm::sqrt(n as f64),
            "{text}: {average}"
        );
        assert!(
            (square - 2.0).abs() < 25.0 / libm::sqrt(n as f64),
            "{text}: {square}"
        );
        // Counts of a second: variance equals mean. The wrong formula of PTRS would show here.
        let seconds = (times[n - 1] / S) as usize;
        let mut counts = vec![0.0; seconds];
        for time in times.iter().filter(|t| (**t / S) < seconds as u64) {
            counts[(time / S) as usize] += 1.0;
        }
        let variance = counts.iter().map(|c| (c - mean) * (c - mean)).sum::<f64>() / seconds as f64;
        let tolerance = 6.0 * libm::sqrt((2.0 + 1.0 / mean) / seconds as f64);
        assert!(
            (variance / mean - 1.0).abs() < tolerance,
            "{text}: {variance}, {mean}"
        );
    }
}

#[test]
fn poisson_depends_on_seed_and_origin() {
    let profile = Profile::poisson(rate("5/s")).unwrap();
    let first = |seed: u64| begin(profile.clone()).time_of(0, seed);
    assert_ne!(first(1), first(2));
    let mut log = begin(profile.clone());
    log.set_load(profile.clone(), 100, 1, log.time_of(100, 1), 0);
    assert_ne!(
        log.time_of(101, 1) - log.time_of(100, 1),
        log.time_of(1, 1) - log.time_of(0, 1)
    );
}

/// Bytes depend on these: a change of one is a new version in `profile::VERSIONS`.
#[test]
fn known_instants() {
    let at =
        |profile: Result<Profile, ProfileError>, n: u64| begin(profile.unwrap()).time_of(n, 42);
    let ramps = || {
        Profile::stages(vec![
            stage(60 * S, "1/s", "50/s"),
            stage(30 * S, "50/s", "7/s"),
        ])
    };
    let known = [
        at(Profile::constant(rate("7/s")), 1_000_003),
        at(Profile::poisson(rate("0.5/s")), 1_000),
        at(Profile::poisson(rate("1000/s")), 100_000),
        at(ramps(), 777),
        at(ramps(), 2_000),
        at(ramps(), 100_000),
        at(
            Profile::sine(rate("1/s"), rate("9/s"), 3_600 * S, 0),
            123_456,
        ),
        at(
            Profile::burst(rate("90/s"), rate("1/min"), 60 * S, 7 * S),
            123_456,
        ),
    ];
    assert_eq!(
        known,
        [
            142_857_571_428_571,
            1_994_652_299_529,
            99_726_545_150,
            42_414_443_716,
            71_197_015_113,
            14_035_000_000_104,
            24_912_011_125_681,
            11_704_819_444_448,
        ]
    );
}

#[test]
fn what_cannot_be_is_refused() {
    let zero = Rate::ZERO;
    assert!(Profile::constant(zero).is_err() && Profile::poisson(zero).is_err());
    assert!(Profile::every(0, 1).is_err() && Profile::every(1, 0).is_err());
    assert!(Profile::stages(vec![]).is_err());
    assert!(Profile::stages(vec![stage(S, "0/s", "0/s")]).is_err());
    assert!(Profile::stages(vec![stage(0, "0/s", "1/s")]).is_err());
    assert!(Profile::stages(vec![stage(Nanos::MAX, "0/s", "1/s")]).is_err());
    assert!(Profile::sine(rate("2/s"), rate("1/s"), S, 0).is_err());
    assert!(Profile::sine(zero, rate("1/s"), 10, 0).is_err());
    assert!(Profile::burst(rate("1/s"), zero, S, 2 * S).is_err());
    assert!(Profile::max(0).is_err());
}

#[test]
fn bounds_end_every_stream_at_the_same_tick() {
    let log = Arc::new(begin(Profile::constant(rate("10/s")).unwrap()));
    let count = |bound: Bound, stream: u32| {
        let mut cursor = Cursor::new(&log, bound, 0, stream, 3);
        let (mut times, mut told) = (Vec::new(), Vec::new());
        let given = cursor.fill(1_000, Nanos::MAX, &mut times, &mut told);
        assert!(cursor.ended());
        assert_eq!(cursor.count_below(Nanos::MAX), given as u64);
        given
    };
    for bound in [
        Bound {
            ticks: Some(100),
            ..Bound::default()
        },
        Bound {
            time: Some(10 * S),
            ..Bound::default()
        },
        Bound {
            event_time: Some(1_010 * S),
            ..Bound::default()
        },
    ] {
        let counts: Vec<usize> = (0..3).map(|stream| count(bound, stream)).collect();
        assert_eq!(counts, [34, 33, 33], "{bound:?}");
    }
}

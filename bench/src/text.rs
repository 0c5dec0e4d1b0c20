//! The report for people.

use crate::{
    backlog, commands, delivery, dialects,
    goals::{Bound, Goal},
    held::Held,
    ingest, neighbours, plugins,
    report::{CallRow, CommandRows, Report},
};

/// All of it.
pub(crate) fn of(report: &Report) -> String {
    let Report { machine, calls, commands, ingest, delivery, backlog, plugins, neighbours, dialects, goals, .. } =
        report;
    let mut text = format!("\n{} × {}, Linux {}\n", machine.cores, machine.processor, machine.kernel);
    text += "(load generators and receivers on the same cores)\n";
    text += &of_calls(calls);
    text += &commands.as_ref().map(of_commands).unwrap_or_default();
    text += &of_ingest(ingest);
    text += &delivery.as_ref().map(of_delivery).unwrap_or_default();
    text += &backlog.as_ref().map(of_backlog).unwrap_or_default();
    text += &plugins.as_ref().map(of_plugins).unwrap_or_default();
    text += &of_neighbours(neighbours);
    text += &of_dialects(dialects);
    text += "\ngoal                                                   reached  (middle half)      target\n";
    goals.iter().for_each(|goal| text += &line(goal));
    text
}

fn of_calls(calls: &[CallRow]) -> String {
    if calls.is_empty() {
        return String::new();
    }
    let mut text = "\ncall of a plugin             p50 µs   mean µs    p99 µs   calls/s on 2 threads\n".to_owned();
    for CallRow { who, cost } in calls {
        let (p50, mean, p99) = (cost.p50_us.median, cost.mean_us.median, cost.p99_us.median);
        let per_second = cost.two_threads_calls_per_second.median;
        text += &format!("{who:<26} {p50:>8.2} {mean:>9.2} {p99:>9.2} {per_second:>22.0}\n");
    }
    text
}

fn of_dialects(costs: &[dialects::Cost]) -> String {
    if costs.is_empty() {
        return String::new();
    }
    let mut text = "\nreading a request      µs   / Value   signed / Value   most in relation\n".to_owned();
    for dialects::Cost { dialect, ratio, worst, worst_ratio, us, signed } in costs {
        let signed = signed.map_or(String::new(), |signed| format!("{:.2}", signed.median));
        let (us, ratio, worst_ratio) = (us.median, ratio.median, worst_ratio.median);
        text += &format!("{dialect:<18} {us:>6.2} {ratio:>9.2} {signed:>16}   {worst}, {worst_ratio:.2}\n");
    }
    text
}

fn of_commands(commands: &CommandRows) -> String {
    let connections = commands.connections;
    let mut text = format!(
        "\ncommand over HTTP, {connections} connections     requests/s   p50 µs   p99 µs   server's CPU µs a request\n"
    );
    let mut row = |who: &str, cost: &commands::Cost| {
        let (rate, p50, p99) = (cost.requests_per_second.median, cost.p50_us.median, cost.p99_us.median);
        text += &format!("{who:<36} {rate:>12.0} {p50:>8.0} {p99:>8.0} {:>27.2}\n", cost.cpu_us.median);
    };
    row("bare axum", &commands.axum);
    row("slashbox", &commands.slashbox);
    text
}

fn of_ingest(costs: &[ingest::Cost]) -> String {
    if costs.is_empty() {
        return String::new();
    }
    let mut text = "\nevents accepted durably    events/s   p50 µs   p99 µs   CPU µs an event   events a commit   \
                    bare: axum/s     rows/s   commit p50 µs   CPU µs a row\n"
        .to_owned();
    for cost in costs {
        let who = format!("slashbox, {} connection{}", cost.connections, if cost.connections == 1 { "" } else { "s" });
        let (rate, p50, p99) = (cost.events_per_second.median, cost.p50_us.median, cost.p99_us.median);
        let (cpu, batch) = (cost.cpu_us.median, cost.batch.median);
        let (axum, rows, commit) =
            (cost.axum_per_second.median, cost.bare_per_second.median, cost.bare_commit_p50_us.median);
        let row_cpu = cost.bare_cpu_us.median;
        text += &format!(
            "{who:<25} {rate:>9.0} {p50:>8.0} {p99:>8.0} {cpu:>17.2} {batch:>17.1} {axum:>14.0} {rows:>10.0} \
             {commit:>15.0} {row_cpu:>14.2}\n"
        );
    }
    text
}

fn of_backlog(cost: &backlog::Cost) -> String {
    let mut text = "\nwaiting deliveries                    claim: CPU µs each   p50 µs of 64\n".to_owned();
    for (pending, (cpu, p50)) in backlog::PENDING.iter().zip(cost.claim_cpu_us.iter().zip(&cost.claim_p50_us)) {
        text += &format!("{pending:<37} {:>19.2} {:>14.0}\n", cpu.median, p50.median);
    }
    text += "\non its way from source to webhook         p50 ms   p99 ms\n";
    let who = ["alone", "beside retries of a dead one"];
    for (who, (p50, p99)) in who.iter().zip(cost.arrival_p50_ms.iter().zip(&cost.arrival_p99_ms)) {
        text += &format!("{who:<39} {:>8.2} {:>8.2}\n", p50.median, p99.median);
    }
    text += "\nlook at a long log                        p50 ms   p99 ms\n";
    for backlog::Look { what, p50_ms, p99_ms } in &cost.looks {
        text += &format!("{what:<39} {:>8.2} {:>8.2}\n", p50_ms.median, p99_ms.median);
    }
    text
}

fn of_delivery(cost: &delivery::Cost) -> String {
    let (connections, in_flight) = (cost.connections, cost.in_flight_max);
    let (cpu, reqwest, rows) = (cost.cpu_us.median, cost.reqwest_cpu_us.median, cost.rows_cpu_us.median);
    let (alone, batch) = (cost.deliveries_per_second.median, cost.batch.median);
    let (arrived, together) = (cost.arrived_per_second.median, cost.together_per_second.median);
    let mut text = format!(
        "\ndelivery to one webhook, at most {in_flight} at a time\n\
         CPU µs a delivery: slashbox {cpu:.2}, bare reqwest {reqwest:.2}, bare rows {rows:.2}\n\
         deliveries while nothing is accepted: {alone:.0}/s, {batch:.1} a commit\n\
         accepted and delivered, {connections} connections: {together:.0}/s until the last is recorded, \
         {arrived:.0}/s arrive under the load, {:.2} CPU µs an event\n",
        cost.together_cpu_us.median
    );
    let mut row = |when: &str, accept: &delivery::Accept| {
        let (rate, p50, p99) = (accept.events_per_second.median, accept.p50_us.median, accept.p99_us.median);
        text += &format!("accepted while {when}: {rate:.0}/s, p50 {p50:.0} µs, p99 {p99:.0} µs\n");
    };
    row("nothing is delivered", &cost.accept_alone);
    row("all is delivered", &cost.accept_together);
    text
}

fn of_plugins(cost: &plugins::Cost) -> String {
    let plugins::Cost { starts, drops, reloads } = cost;
    let (cold, warm, empty) = (starts.cold_ms.median, starts.warm_ms.median, starts.empty_ms.median);
    let mut text = format!(
        "\nstart with {} plugins: {warm:.0} ms with a warm cache, {cold:.0} ms without; {empty:.0} ms without plugins\n\
         dropped plugin      KiB   bare compiling ms   serves after ms   beyond ms   calls meanwhile   failed\n",
        starts.plugins
    );
    for drop in drops {
        let (language, kib, answered, failed) = (drop.language, drop.kib, drop.answered, drop.failed);
        let (bare, serves, beyond) = (drop.bare_ms.median, drop.serves_ms.median, drop.beyond_ms.median);
        text += &format!(
            "{language:<14} {kib:>8.0} {bare:>19.0} {serves:>17.0} {beyond:>11.0} {answered:>17} {failed:>8}\n"
        );
    }
    text + &reloads.as_ref().map(of_reloads).unwrap_or_default()
}

fn of_reloads(cost: &plugins::reloads::Cost) -> String {
    let (reloads, connections, calls, failed) = (cost.reloads, cost.connections, cost.calls, cost.failed);
    let mut text = format!(
        "{reloads} reloads, {connections} connections: each serves after {:.0} ms, {calls} calls, {failed} failed\n\
         held after more and more reloads   MiB resident   threads   descriptors   mapped regions\n",
        cost.took_ms.median
    );
    for held in &cost.held {
        let Held { resident_mib, threads, descriptors, regions } = held;
        text += &format!("{resident_mib:>47.1} {threads:>9.0} {descriptors:>13.0} {regions:>16.0}\n");
    }
    text
}

fn of_neighbours(costs: &[neighbours::Cost]) -> String {
    if costs.is_empty() {
        return String::new();
    }
    let mut text = "\nhostile plugins, 32      bystander's     calm           attacked                         \
                    their calls/s:\ncalls each               connections     calls/s   p99 ms   calls/s   p50 ms   \
                    p99 ms   replied   broken   refused\n"
        .to_owned();
    for cost in costs {
        let (calm, calm_p99) = (cost.calm_per_second.median, cost.calm_p99_ms.median);
        let (rate, p50, p99) = (cost.per_second.median, cost.p50_ms.median, cost.p99_ms.median);
        let (replied, broken) = (cost.hostile_replied_per_second.median, cost.hostile_broken_per_second.median);
        let (hostile, connections, refused) = (cost.hostile, cost.connections, cost.hostile_refused_per_second.median);
        text += &format!(
            "{hostile:<24} {connections:>11} {calm:>11.0} {calm_p99:>8.2} {rate:>9.0} {p50:>8.2} {p99:>8.2} \
             {replied:>9.0} {broken:>8.0} {refused:>9.0}\n"
        );
    }
    text
}

fn line(goal: &Goal) -> String {
    let Goal { number, name, unit, reached, target, .. } = goal;
    let bound = if goal.bound == Bound::AtMost { '≤' } else { '≥' };
    let verdict = if goal.met { "met" } else { "MISSED" };
    let stretch = goal.stretch.map(|stretch| format!(" (stretch {stretch})")).unwrap_or_default();
    let middle = format!("({} – {})", figure(reached.low), figure(reached.high));
    let (reached, target) = (figure(reached.median), figure(*target));
    format!("{number} {name:<53} {reached:>7} {unit:<2} {middle:<18} {bound} {target} {verdict}{stretch}\n")
}

/// Ratios and microseconds have decimals that count, thousands have not.
fn figure(value: f64) -> String {
    if value < 1_000.0 { format!("{value:.3}") } else { format!("{value:.0}") }
}

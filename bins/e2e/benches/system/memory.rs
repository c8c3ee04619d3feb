//! Memory of server and agent when they have worked and nothing is left to do.

use restic_manager_e2e::{Agent, Outcome, World};

use crate::figures::Memory;

/// After some jobs, with one agent connected and nothing running.
pub(crate) fn measure(world: &World, agent: &mut Agent) -> Outcome {
    println!("\nmemory at rest after the work above, with one agent connected");
    for (name, id) in [("server", world.server.id()), ("agent", agent.running()?.id())] {
        show(name, Memory::of(id)?);
    }
    Ok(())
}

pub(crate) fn show(name: &str, memory: Memory) {
    let (resident, private) = (memory.resident / 1024.0, memory.private / 1024.0);
    println!("  {name:<24} {resident:>8.1} MiB resident {private:>8.1} MiB private");
}

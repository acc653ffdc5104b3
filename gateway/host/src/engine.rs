//! The WebAssembly engine, set up once: pool, features, and the clock that stops guests.

use std::{
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
};

use wasmtime::{
    Config, Enabled, Engine as Wasmtime, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Strategy,
};

use crate::limits::{KEPT_RESIDENT_BYTES, Limits, SPARE_SLOTS, TABLE_KEPT_RESIDENT_BYTES, TICK, length};

/// The engine and its ticker, which stops when the last of its users is gone.
pub(crate) struct Engine {
    wasmtime: Wasmtime,
    stop: Option<Sender<()>>,
    ticker: Option<JoinHandle<()>>,
}

impl Engine {
    /// Reserves the pool and starts the ticker.
    pub(crate) fn new(limits: &Limits) -> wasmtime::Result<Self> {
        let wasmtime = Wasmtime::new(&config(limits))?;
        let (stop, stopped) = channel();
        let ticking = wasmtime.clone();
        let ticker = std::thread::Builder::new().name("wasm-epoch".to_owned()).spawn(move || {
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                ticking.increment_epoch();
            }
        })?;
        Ok(Self { wasmtime, stop: Some(stop), ticker: Some(ticker) })
    }

    /// The engine itself.
    pub(crate) fn wasmtime(&self) -> &Wasmtime {
        &self.wasmtime
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(ticker) = self.ticker.take() {
            // The thread only waits and counts: it cannot have panicked, and there is nothing to do if it had.
            let _ = ticker.join();
        }
    }
}

/// An engine that compiles for [`Engine`] and runs nothing: without a pool, and on one processor, so that serving has the
/// others.
pub(crate) fn compiler() -> wasmtime::Result<Wasmtime> {
    let mut config = code();
    config.parallel_compilation(false);
    Wasmtime::new(&config)
}

fn config(limits: &Limits) -> Config {
    let mut config = code();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits)));
    config
}

/// All that machine code depends on.
fn code() -> Config {
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        .epoch_interruption(true)
        // No guest is asynchronous; the advisories of the feature are not ours then.
        .concurrency_support(false)
        // Features that the toolchains of plugins do not emit by default are attack surface without a user.
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_tail_call(false)
        .wasm_relaxed_simd(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        .memory_init_cow(true)
        .generate_address_map(false)
        .wasm_backtrace_max_frames(None);
    config
}

fn pool(limits: &Limits) -> PoolingAllocationConfig {
    let slots = u32::try_from(limits.calls_at_once + SPARE_SLOTS).unwrap_or(u32::MAX);
    let times = |each: u64| slots.saturating_mul(u32::try_from(each).unwrap_or(u32::MAX));
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(slots)
        .total_stacks(slots)
        .total_core_instances(times(limits.core_instances))
        .total_memories(times(limits.memories))
        .total_tables(times(limits.tables))
        .max_core_instances_per_component(u32::try_from(limits.core_instances).unwrap_or(u32::MAX))
        .max_memories_per_component(u32::try_from(limits.memories).unwrap_or(u32::MAX))
        .max_tables_per_component(u32::try_from(limits.tables).unwrap_or(u32::MAX))
        .max_memory_size(length(limits.memory_bytes))
        .table_elements(length(limits.table_elements))
        .max_unused_warm_slots(slots);
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.pagemap_scan(Enabled::Yes)
            .linear_memory_keep_resident(KEPT_RESIDENT_BYTES)
            .table_keep_resident(TABLE_KEPT_RESIDENT_BYTES);
    }
    pool
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_ticker_ends_with_the_engine() {
        let engine = Engine::new(&Limits { calls_at_once: 1, ..Limits::default() }).unwrap();
        let weak = engine.wasmtime().weak();
        drop(engine);
        assert!(weak.upgrade().is_none(), "the ticker's thread still holds the engine");
    }
}

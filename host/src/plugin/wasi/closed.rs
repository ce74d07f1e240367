//! Interfaces that a language's runtime links whether anybody uses them or not: files and sockets.
//!
//! They are made for each component from what it imports: every function is there, whatever its version and
//! its types, and gives the error that says that it isn't allowed.

use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, Linker, LinkerInstance, Resource, ResourceType, Type, Val};
use wasmtime::{Engine, StoreContextMut};

use super::{DENIALS, Guest, HANDLES, Level, names, too_many};

/// A descriptor or a socket: nothing can be done with it.
struct Closed;

/// Resources of other interfaces, which these name.
const FOREIGN: [&str; 4] = ["pollable", "error", "input-stream", "output-stream"];
/// What files and sockets call it when something isn't allowed.
const DENIED: [&str; 2] = ["access", "access-denied"];

/// A linker with the closed interfaces that a component imports, or none where it imports none of them.
pub(in crate::plugin) fn close(
    linker: &Linker<Guest>,
    engine: &Engine,
    component: &Component,
) -> wasmtime::Result<Option<Linker<Guest>>> {
    let mut own = None;
    for (name, import) in component.component_type().imports(engine) {
        let (Some(gets), ComponentItem::ComponentInstance(interface)) =
            (names::closed(name), import.ty)
        else {
            continue;
        };
        let mut into = own.get_or_insert_with(|| linker.clone()).instance(name)?;
        for (item, export) in interface.exports(engine) {
            define(&mut into, name, item, &export.ty, gets)?;
        }
    }
    Ok(own)
}

fn define(
    into: &mut LinkerInstance<'_, Guest>,
    interface: &str,
    item: &str,
    kind: &ComponentItem,
    gets: &'static str,
) -> wasmtime::Result<()> {
    match kind {
        ComponentItem::ComponentFunc(_) => {
            let called = format!("{interface} {item}");
            into.func_new(item, move |mut store, kind, given, results| {
                for value in given {
                    if let Val::Resource(handle) = value {
                        handle.resource_drop(&mut store)?;
                    }
                }
                deny(store, &called, gets, &kind, results)
            })
        }
        ComponentItem::Resource(_) if !FOREIGN.contains(&item) => {
            let kind = ResourceType::host::<Closed>();
            into.resource(item, kind, |mut store, _| {
                let closed = &mut store.data_mut().wasi.closed;
                *closed = closed.saturating_sub(1);
                Ok(())
            })
        }
        _ => Ok(()),
    }
}

/// Answers a call with what says in its own types that it is denied.
fn deny(
    mut store: StoreContextMut<'_, Guest>,
    called: &str,
    gets: &str,
    kind: &ComponentFunc,
    results: &mut [Val],
) -> wasmtime::Result<()> {
    let (Some(kind), [result]) = (kind.results().next(), results) else {
        return Ok(());
    };
    *result = match kind {
        // The files that it may begin with: none.
        Type::List(_) => Val::List(Vec::new()),
        Type::Option(_) => Val::Option(None),
        // The network, which every call that takes it denies.
        Type::Own(kind) if kind == ResourceType::host::<Closed>() => {
            let closed = &mut store.data_mut().wasi.closed;
            *closed += 1;
            if *closed > HANDLES {
                return Err(too_many());
            }
            Val::Resource(Resource::<Closed>::new_own(0).try_into_resource_any(store)?)
        }
        Type::Result(kind) => {
            let Some(Type::Enum(errors)) = kind.err() else {
                return Err(wasmtime::format_err!("it called {called}: {gets}"));
            };
            let Some(denied) = errors.names().find(|name| DENIED.contains(name)) else {
                return Err(wasmtime::format_err!("it called {called}: {gets}"));
            };
            let text = format!("it called {called}: {gets}");
            let guest = store.data_mut();
            guest.wasi.denied = guest.wasi.denied.saturating_add(1);
            let heard = guest.wasi.denied <= DENIALS;
            guest.log.note(Level::Warn, &text, heard);
            Val::Result(Err(Some(Box::new(Val::Enum(denied.to_owned())))))
        }
        _ => return Err(wasmtime::format_err!("it called {called}: {gets}")),
    };
    Ok(())
}

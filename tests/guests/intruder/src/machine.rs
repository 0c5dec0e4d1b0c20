//! The machine: files, network, processes, what the host was started with.

use slashbox_sdk::{Command, OrRefuse, Plugin, Result, refuse};
use std::{
    env,
    fs::{self, File},
    io::{self, Read},
    net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket},
    process, thread,
};

pub fn commands(plugin: Plugin) -> Plugin {
    plugin.command("/machine", "WHAT WHERE", "does it, and replies what came of it", machine)
}

fn machine(command: Command) -> Result<String> {
    let (what, place) = command.args.split_once(' ').or_refuse("see the usage")?;
    let outcome = match what {
        "read" => fs::read_to_string(place),
        "write" => fs::write(place, "intruded").map(|()| "written".to_owned()),
        "create" => File::create_new(place).map(|_| "created".to_owned()),
        "list" => fs::read_dir(place).map(|entries| format!("{} entries", entries.count())),
        "look" => fs::metadata(place).map(|metadata| format!("{} bytes", metadata.len())),
        "make-folder" => fs::create_dir(place).map(|()| "made".to_owned()),
        "remove" => fs::remove_file(place).map(|()| "removed".to_owned()),
        "rename" => fs::rename(place, "intruded").map(|()| "renamed".to_owned()),
        "resolve" => place.to_socket_addrs().map(|addresses| format!("{} addresses", addresses.count())),
        "connect" => TcpStream::connect(place).map(|_| "connected".to_owned()),
        "listen" => TcpListener::bind(place).map(|_| "bound".to_owned()),
        "datagram" => send(place),
        "spawn" => process::Command::new(place).spawn().map(|child| format!("process {}", child.id())),
        "thread" => thread::Builder::new().name(place.to_owned()).spawn(|| ()).map(|_| "a thread".to_owned()),
        "stdin" => read_stdin(),
        "environment" => Ok(format!("{:?}", env::vars_os().collect::<Vec<_>>())),
        "arguments" => Ok(format!("{:?}", env::args_os().collect::<Vec<_>>())),
        _ => refuse!("no such thing"),
    };
    Ok(outcome.unwrap_or_else(|error| format!("{:?}: {error}", error.kind())))
}

fn send(place: &str) -> io::Result<String> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.send_to(b"intruded", place).map(|_| "sent".to_owned())
}

fn read_stdin() -> io::Result<String> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    Ok(format!("{} bytes", text.len()))
}

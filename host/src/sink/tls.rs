//! The TLS implementation of every client that uses rustls.

/// Makes ring the process's implementation of TLS, unless the program has chosen one. To be called
/// before a client is made: those of HTTP take what the process has, and fail where it has none.
pub fn install() {
    // An error says that there is one already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

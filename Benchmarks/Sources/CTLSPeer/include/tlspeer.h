// TLS connections of the load client; certificates are not checked (loopback, self-signed).
#pragma once

typedef struct tls_peer tls_peer;

/// Does the handshake on a connected blocking socket and reads one line. NULL when either fails. The socket stays the caller's.
tls_peer *tls_peer_open(int socket);
/// The handshake alone.
tls_peer *tls_peer_connect(int socket);
/// Octets read or written; 0 or less when the connection has ended or fails.
long tls_peer_read(tls_peer *peer, void *bytes, long count);
long tls_peer_write(tls_peer *peer, const void *bytes, long count);
void tls_peer_close(tls_peer *peer);

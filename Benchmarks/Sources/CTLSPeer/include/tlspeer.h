// Opens TLS connections for the idle-connection measurement; certificates are not checked (loopback, self-signed).
#pragma once

typedef struct tls_peer tls_peer;

/// Does the handshake on a connected blocking socket and reads one line. NULL when either fails. The socket stays the caller's.
tls_peer *tls_peer_open(int socket);
void tls_peer_close(tls_peer *peer);

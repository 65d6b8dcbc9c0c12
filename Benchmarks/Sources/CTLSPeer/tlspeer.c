#include "tlspeer.h"
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

struct tls_peer {
    SSL *ssl;
};

static SSL_CTX *shared_context(void) {
    static SSL_CTX *context;
    if (!context) {
        context = SSL_CTX_new(TLS_client_method());
        if (context) {
            SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
            SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
            SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
        }
    }
    return context;
}

tls_peer *tls_peer_connect(int socket) {
    SSL_CTX *context = shared_context();
    SSL *ssl = context ? SSL_new(context) : NULL;
    tls_peer *peer = ssl ? malloc(sizeof *peer) : NULL;
    if (peer && SSL_set_fd(ssl, socket) == 1 && SSL_connect(ssl) == 1) {
        peer->ssl = ssl;
        return peer;
    }
    free(peer);
    SSL_free(ssl);
    return NULL;
}

tls_peer *tls_peer_open(int socket) {
    tls_peer *peer = tls_peer_connect(socket);
    if (!peer) return NULL;
    char line[512];
    size_t used = 0;
    while (used < sizeof line) {
        int got = SSL_read(peer->ssl, line + used, (int)(sizeof line - used));
        if (got <= 0) break;
        used += (size_t)got;
        if (memchr(line, '\n', used)) return peer;
    }
    tls_peer_close(peer);
    return NULL;
}

long tls_peer_read(tls_peer *peer, void *bytes, long count) { return SSL_read(peer->ssl, bytes, (int)count); }

long tls_peer_write(tls_peer *peer, const void *bytes, long count) { return SSL_write(peer->ssl, bytes, (int)count); }

void tls_peer_close(tls_peer *peer) {
    if (!peer) return;
    SSL_free(peer->ssl);
    free(peer);
}

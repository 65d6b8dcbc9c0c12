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

tls_peer *tls_peer_open(int socket) {
    SSL_CTX *context = shared_context();
    if (!context) return NULL;
    SSL *ssl = SSL_new(context);
    if (!ssl) return NULL;
    char line[512];
    size_t used = 0;
    if (SSL_set_fd(ssl, socket) != 1 || SSL_connect(ssl) != 1) goto failed;
    while (used < sizeof line) {
        int got = SSL_read(ssl, line + used, (int)(sizeof line - used));
        if (got <= 0) goto failed;
        used += (size_t)got;
        if (memchr(line, '\n', used)) {
            tls_peer *peer = malloc(sizeof *peer);
            if (!peer) goto failed;
            peer->ssl = ssl;
            return peer;
        }
    }
failed:
    SSL_free(ssl);
    return NULL;
}

void tls_peer_close(tls_peer *peer) {
    if (!peer) return;
    SSL_free(peer->ssl);
    free(peer);
}

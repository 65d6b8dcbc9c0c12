/// Binds IMAP sessions to accounts and store.

/// What the client has switched on, as far as it changes how answers are written. Stands in every request whose answer the backend writes.
package struct WireMode: Hashable, Sendable {
    /// UTF8=ACCEPT or IMAP4rev2 is on: names of mailboxes and quoted strings are UTF-8 instead of modified UTF-7. [RFC6855-3] [RFC9051-5.1]
    package var isUTF8 = false
    /// IMAP4rev2 is on: no RECENT, ESEARCH instead of SEARCH, OLDNAME where a name was changed. [RFC9051-6.3.1]
    package var isRev2 = false
    /// The client knows of modseqs: each FETCH with flags that it did not ask for carries MODSEQ. [RFC7162-3.2]
    package var isCondStore = false
    /// VANISHED instead of EXPUNGE. [RFC7162-3.2.10]
    package var isQResync = false
    /// UIDFETCH and VANISHED, no sequence number anywhere. [RFC9586-3]
    package var isUIDOnly = false

    package init() {}
}

/// What became of a message in one of an account's ways of delivery (maildrop, program, automatic reply).
enum MethodOutcome {
    /// Done: the entry ends now. Facts for the trail.
    case done([(key: String, value: String)])
    /// Done in a record of the store that ended the entry with it (a reply that was accepted with `finishes`).
    case ended
    /// Nothing is to be done, and why, for the trail: `bulk`, `not-yet`, `answered-lately`. The entry ends; nobody is told.
    case skipped(String)
    /// Nothing came about because the server ends: the entry stays as it is.
    case interrupted
    /// Not now, or never: the failure's cause decides between another try, a report to the sender and a question to the postmaster.
    case failed(LocalDelivery.Reason)
}

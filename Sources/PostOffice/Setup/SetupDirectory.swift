import Directory
import Vocabulary

/// Setup's part of the directory database: main domain, host name, name servers, postmaster password.
enum SetupDirectory {
    static func fill(_ plan: SetupPlan, _ tell: (Localized) -> Void) throws(AdminFailure) {
    }
}

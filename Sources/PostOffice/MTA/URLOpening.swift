package import IMAPService
package import SMTPService

// Submission takes content from mailboxes by URLs: the two services know nothing of each other.

extension URLContent {
    package init(_ opened: OpenedURL) {
        self.init { completion in opened.next { completion($0.mapError { URLFailure($0) }) } }
    }
}

extension URLFailure {
    package init(_ refusal: URLRefusal) {
        self =
            switch refusal {
            case .otherServer: .otherServer
            case .notHis: .notHis
            case .nothingThere: .nothingThere
            case .later: .later
            }
    }
}

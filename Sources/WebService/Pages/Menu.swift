internal import Vocabulary
package import WebPages

/// The column of buttons at the left, by who has logged in. An area adds one entry.
package enum Menu {
    package static func entries(_ request: WebRequest, _ host: WebHost) -> [MenuEntry] {
        guard let session = request.session else { return [] }
        let entries = session.isPostmaster ? self.postmaster(request, host) : self.owner(request, host)
        return entries.map { entry in
            var entry = entry
            entry.isCurrent = request.path == entry.link.text || request.path.hasPrefix(entry.link.text + "/")
            return entry
        }
    }

    private static func postmaster(_ request: WebRequest, _ host: WebHost) -> [MenuEntry] { PostmasterMenu.entries }

    private static func owner(_ request: WebRequest, _ host: WebHost) -> [MenuEntry] {
        OwnMenu.items(request, host).map { MenuEntry($0.label, $0.link) }
    }
}

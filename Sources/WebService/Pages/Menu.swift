internal import Vocabulary
package import WebPages

/// The column of buttons at the left, by who has logged in. An area adds one entry.
package enum Menu {
    package static func entries(_ request: WebRequest, _ host: WebHost) -> [MenuEntry] {
        guard let session = request.session else { return [] }
        let entries = session.isPostmaster ? self.postmaster(request, host) : self.owner(request, host)
        // The nearest one above the page: /own/password lies below /own too.
        let current = entries.indices.filter { self.leads(entries[$0], to: request.path) }.max { a, b in
            entries[a].link.text.utf8.count < entries[b].link.text.utf8.count
        }
        return entries.enumerated().map { index, entry in
            var entry = entry
            entry.isCurrent = index == current
            return entry
        }
    }

    private static func leads(_ entry: MenuEntry, to path: String) -> Bool {
        path == entry.link.text || path.hasPrefix(entry.link.text + "/")
    }

    private static func postmaster(_ request: WebRequest, _ host: WebHost) -> [MenuEntry] { PostmasterMenu.entries }

    private static func owner(_ request: WebRequest, _ host: WebHost) -> [MenuEntry] {
        OwnMenu.items(request, host).map { MenuEntry($0.label, $0.link) }
    }
}

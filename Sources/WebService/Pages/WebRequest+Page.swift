internal import Directory
package import Vocabulary
package import WebPages

extension WebRequest {
    /// A page with everything around its main part: who asks, menu, languages, form token. The caller adds notices, path and body.
    package func page(_ title: Localized, _ host: WebHost) -> Page {
        let configuration = host.directory.configuration
        var page = Page(title, self.language)
        page.host = configuration.hostName
        page.version = configuration.showsVersion || self.session != nil ? host.version : ""
        let here = Link(
            self.path.split(separator: "/").map(String.init), query: self.query.without("language").pairs.map { ($0.name, $0.value) })
        page.languages = Language.allCases.map { ($0, here.adding([("language", $0.rawValue)])) }
        guard let session = self.session else { return page }
        page.csrfToken = session.formToken
        page.person = Page.Person(name: session.name, isPostmaster: session.isPostmaster, logOut: "/logout")
        page.menu = Menu.entries(self, host)
        return page
    }
}

import Vocabulary

/// What the web's page of configuration information shows: the same report as `postoffice status`, seen from inside.
enum InformationHandlers {
    static let all: [AdminHandler] = [
        AdminHandler("information") { request, context, output throws(AdminFailure) in
            for line in StatusReport.gather(context.start, listening: context.listening?()).lines(request.language) { output.line(line) }
            return .done
        }
    ]
}

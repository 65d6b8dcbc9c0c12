import Vocabulary

/// What `run --welcome` prints to a person who tries it out.
struct Welcome {
    private let start: StartConfiguration
    private let language: Language

    init(_ start: StartConfiguration, _ language: Language) {
        self.start = start
        self.language = language
    }

    func show() {}
}

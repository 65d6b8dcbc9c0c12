// powercut: see Sources/PowerCutKit. Replaced by its commands.
internal import PowerCutKit

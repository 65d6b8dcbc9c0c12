import Glibc
import PostOffice
import Testing

/// The dispatcher's decisions as a value: no process, no clock.
@Suite struct SupervisorTests {
    private static func kinds(_ actions: [Supervisor.Action]) -> [String] {
        actions.map { "\($0)".prefix { $0 != "(" }.description }
    }

    private static func serving() -> Supervisor {
        var supervisor = Supervisor()
        _ = supervisor.tick(0)
        supervisor.spawned(0)
        _ = supervisor.ready(10)
        return supervisor
    }

    @Test func itBeginsWithAStartAndTellsWhenReady() {
        var supervisor = Supervisor()
        #expect(supervisor.tick(0) == [.spawn])
        supervisor.spawned(0)
        #expect(!supervisor.isReady)
        #expect(supervisor.ready(100).contains(.notify("READY=1\nSTATUS=serving")))
        #expect(supervisor.isReady)
        #expect(supervisor.ready(101).isEmpty)
    }

    @Test func theFirstRestartIsImmediateThenPausesGrowAndAreCapped() {
        var supervisor = Self.serving()
        var now: Int64 = 1000
        var pauses: [Int64] = []
        for _ in 0..<12 {
            #expect(supervisor.exited(.signalled(SIGKILL), now).first == .blame(.signalled(SIGKILL), silent: false))
            let deadline = supervisor.deadline ?? -1
            pauses.append(deadline - now)
            #expect(deadline == now || supervisor.tick(deadline - 1).isEmpty)
            #expect(supervisor.tick(deadline) == [.spawn])
            now = deadline + 5
            supervisor.spawned(now)
            _ = supervisor.ready(now)
        }
        #expect(pauses == [0, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000, 60_000])
        #expect(supervisor.restarts == 12)
    }

    @Test func stableMinutesForgetEarlierCrashes() {
        var supervisor = Self.serving()
        for _ in 0..<3 {
            _ = supervisor.exited(.exited(1), 1000)
            supervisor.spawned(1000)
        }
        let later: Int64 = 1000 + 300_000
        supervisor.beat(later)
        _ = supervisor.exited(.signalled(SIGSEGV), later)
        #expect(supervisor.deadline == later)
    }

    @Test func aMissedHeartbeatIsACrash() {
        var supervisor = Self.serving()
        supervisor.beat(5000)
        #expect(supervisor.tick(24_999).isEmpty)
        #expect(supervisor.tick(25_000).contains(.kill(SIGABRT)))
        #expect(supervisor.tick(26_999).isEmpty)
        #expect(supervisor.tick(27_000) == [.kill(SIGKILL)])
        #expect(supervisor.exited(.signalled(SIGKILL), 27_001).first == .blame(.signalled(SIGKILL), silent: true))
        #expect(supervisor.tick(27_001) == [.spawn])
    }

    @Test func aBeatKeepsItAlive() {
        var supervisor = Self.serving()
        for second in 1...100 {
            supervisor.beat(Int64(second) * 1000)
            #expect(supervisor.tick(Int64(second) * 1000).isEmpty)
        }
    }

    @Test func aFirstStartThatFailsEndsTheDispatcherWithItsStatus() {
        var supervisor = Supervisor()
        _ = supervisor.tick(0)
        supervisor.spawned(0)
        #expect(supervisor.exited(.exited(2), 50) == [.finish(2)])
        #expect(supervisor.deadline == nil)
    }

    @Test func aFirstStartThatCrashesIsTriedAgain() {
        var supervisor = Supervisor()
        _ = supervisor.tick(0)
        supervisor.spawned(0)
        #expect(!supervisor.exited(.signalled(SIGILL), 50).contains(.finish(1)))
        #expect(supervisor.tick(50) == [.spawn])
    }

    @Test func terminationDrainsThenHurriesThenKills() {
        var supervisor = Self.serving()
        #expect(supervisor.terminate(1000).contains(.kill(SIGTERM)))
        #expect(supervisor.deadline == 36_000)
        #expect(supervisor.terminate(2000).contains(.kill(SIGTERM)))
        #expect(supervisor.deadline == 7000)
        #expect(supervisor.terminate(3000) == [.kill(SIGKILL)])
        #expect(supervisor.exited(.signalled(SIGKILL), 3001).contains(.finish(1)))
    }

    @Test func aDrainedMTAEndsTheDispatcherWell() {
        var supervisor = Self.serving()
        _ = supervisor.terminate(1000)
        #expect(supervisor.exited(.exited(0), 1500).contains(.finish(0)))
    }

    @Test func aDrainThatTakesTooLongIsEnded() {
        var supervisor = Self.serving()
        _ = supervisor.terminate(1000)
        #expect(supervisor.tick(35_999).isEmpty)
        #expect(supervisor.tick(36_000).contains(.kill(SIGKILL)))
    }

    @Test func terminationWhilePausingEndsAtOnce() {
        var supervisor = Self.serving()
        _ = supervisor.exited(.signalled(SIGKILL), 100)
        #expect(Self.kinds(supervisor.terminate(101)) == ["notify", "finish"])
    }

    @Test func reloadGoesToALivingMTAOnly() {
        var supervisor = Self.serving()
        #expect(supervisor.reload() == [.kill(SIGHUP)])
        _ = supervisor.exited(.signalled(SIGKILL), 100)
        #expect(supervisor.reload().isEmpty)
    }

    @Test func aSystemWithoutProcessesIsWaitedFor() {
        var supervisor = Self.serving()
        _ = supervisor.exited(.signalled(SIGKILL), 0)
        #expect(supervisor.tick(0) == [.spawn])
        _ = supervisor.couldNotSpawn(0)
        #expect(supervisor.deadline == 1000)
    }
}

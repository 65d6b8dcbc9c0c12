/// Every page and action of this version. An area adds one line.
package enum Routes {
    package static var all: [WebRoute] {
        FrontPages.routes + OwnPages.routes + SessionPages.routes
            + MenuPages.routes + WrapUp.routes + AccountPages.routes + ConfigurationPages.routes + ChecklistPage.routes
            + QueuePages.routes + TrailPage.routes + LogPages.routes
            + DashboardPages.routes + StoragePage.routes + AuditPages.routes + APIRoutes.routes
    }
}

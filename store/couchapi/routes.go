package couchapi

import (
	"net/http"

	"github.com/gorilla/mux"
)

// routes says what each path means. The first route that fits a path is taken: what is written most often comes first,
// names before variables.
func (h *Handler) routes() *mux.Router {
	rt := mux.NewRouter().UseEncodedPath().SkipClean(true)
	h.bulkRoutes(rt)
	h.postRoute(rt)
	h.serverRoutes(rt)
	h.listRoutes(rt)
	h.sessionRoutes(rt)
	h.utilsRoutes(rt)
	h.settingsRoutes(rt)

	rt.Methods(http.MethodPut).Path("/{db}").Handler(&resource{h: h, access: accessAdmin,
		methods: map[string]action{http.MethodPut: createDatabase}})
	h.databaseRoutes(rt)
	h.allDocsRoutes(rt)
	h.changesRoutes(rt)
	h.partitionRoutes(rt)
	h.viewRoutes(rt)
	h.renderRoutes(rt)
	h.rewriteRoutes(rt)
	h.findRoutes(rt)
	h.securityRoutes(rt)
	h.replicationRoutes(rt)
	h.maintenanceRoutes(rt)
	h.docRoutes(rt)
	return rt
}

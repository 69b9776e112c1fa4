// A registry in memory that has all of the distribution specification, on a free port of this machine, which it tells on standard error.
package main

import (
	"log"
	"net"
	"net/http"
	"time"

	"github.com/olareg/olareg"
	"github.com/olareg/olareg/config"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	yes := true
	handler := olareg.New(config.Config{
		Storage: config.ConfigStorage{StoreType: config.StoreMem},
		API: config.ConfigAPI{
			DeleteEnabled: &yes,
			PushEnabled:   &yes,
			Blob:          config.ConfigAPIBlob{DeleteEnabled: &yes},
			Referrer:      config.ConfigAPIReferrer{Enabled: &yes},
		},
	})
	log.Printf("listening on %s", listener.Addr())
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: handler}
	log.Fatal(server.Serve(listener))
}

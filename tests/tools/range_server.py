"""Serves the files of a folder on 127.0.0.1 for tests of downloads, with what http.server lacks.

python3 range_server.py FOLDER PORT_FILE [--no-ranges] [--cut BYTES]

The port that the system chose is written to PORT_FILE. --no-ranges answers every request with the
whole file. --cut closes the connection after so many bytes of the first answer.
"""
import argparse
import http.server
import os
import re

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("port_file")
parser.add_argument("--no-ranges", action="store_true")
parser.add_argument("--cut", type=int)
options = parser.parse_args()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = os.path.join(options.folder, os.path.basename(self.path))
        if not os.path.isfile(path):
            self.send_error(404)
            return
        with open(path, "rb") as file:
            content = file.read()
        begin = 0
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if wanted and not options.no_ranges:
            begin = int(wanted[1])
            if begin >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        answer = content[begin:]
        if options.cut is not None:
            answer, options.cut = answer[: options.cut], None
            self.close_connection = True
        self.wfile.write(answer)

    def log_request(self, code="-", size="-"):
        print(self.command, self.path, self.headers.get("Range", "-"), code, flush=True)

    def log_error(self, *arguments):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with open(options.port_file + ".part", "w", encoding="ascii") as file:
    file.write(str(server.server_port))
os.rename(options.port_file + ".part", options.port_file)
server.serve_forever()

# Writes revision.h, touching it only when the revision changes. Run at every build.
find_program(GIT git)
set(revision "unknown")
if(GIT)
  execute_process(COMMAND ${GIT} -C ${SOURCE_DIR} describe --always --dirty=+ --exclude=*
                  OUTPUT_VARIABLE described RESULT_VARIABLE failed ERROR_QUIET
                  OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT failed)
    set(revision ${described})
  endif()
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT [[#pragma once
#define SERENADE_VERSION "@VERSION@"
#define SERENADE_REVISION "@revision@"
#define SERENADE_ARCH "@ARCH@"
#define SERENADE_COMPILER "@COMPILER@"
]] @ONLY)

//! Groups of well known artifacts whose builds (Gradle, Ant, Ivy) leave no `pom.properties`. It takes the artifact's
//! name and its classes in the place where the project has them.

/// An artifact's name, or how it starts if it ends with `*`; where its classes lie; its group; another name.
type Known = (&'static str, &'static str, &'static str, Option<&'static str>);

/// The first that fits counts.
const KNOWN: &[Known] = &[
    ("ant", "org/apache/tools/ant/", "org.apache.ant", None),
    ("bcpg-*", "org/bouncycastle/", "org.bouncycastle", None),
    ("bcpkix-*", "org/bouncycastle/", "org.bouncycastle", None),
    ("bcprov-*", "org/bouncycastle/", "org.bouncycastle", None),
    ("bctls-*", "org/bouncycastle/", "org.bouncycastle", None),
    ("bcutil-*", "org/bouncycastle/", "org.bouncycastle", None),
    ("catalina", "org/apache/catalina/", "org.apache.tomcat", Some("tomcat-catalina")),
    ("derby*", "org/apache/derby/", "org.apache.derby", None),
    ("elasticsearch*", "org/elasticsearch/", "org.elasticsearch", None),
    ("grpc-*", "io/grpc/", "io.grpc", None),
    ("h2", "org/h2/", "com.h2database", None),
    ("hsqldb", "org/hsqldb/", "org.hsqldb", None),
    ("kafka-*", "org/apache/kafka/", "org.apache.kafka", None),
    ("kafka_*", "kafka/", "org.apache.kafka", None),
    ("kotlin-stdlib*", "kotlin/", "org.jetbrains.kotlin", None),
    ("lucene-*", "org/apache/lucene/", "org.apache.lucene", None),
    ("micrometer-*", "io/micrometer/", "io.micrometer", None),
    ("mysql-connector-j", "com/mysql/", "com.mysql", None),
    ("mysql-connector-java", "com/mysql/", "mysql", None),
    ("okhttp", "okhttp3/", "com.squareup.okhttp3", None),
    ("okio*", "okio/", "com.squareup.okio", None),
    ("postgresql", "org/postgresql/", "org.postgresql", None),
    ("reactor-core", "reactor/core/", "io.projectreactor", None),
    ("reactor-netty-*", "reactor/netty/", "io.projectreactor.netty", None),
    ("spring-amqp", "org/springframework/amqp/", "org.springframework.amqp", None),
    ("spring-batch-*", "org/springframework/batch/", "org.springframework.batch", None),
    ("spring-boot*", "org/springframework/boot/", "org.springframework.boot", None),
    ("spring-integration-*", "org/springframework/integration/", "org.springframework.integration", None),
    ("spring-kafka*", "org/springframework/kafka/", "org.springframework.kafka", None),
    ("spring-rabbit*", "org/springframework/amqp/", "org.springframework.amqp", None),
    ("spring-security-*", "org/springframework/security/", "org.springframework.security", None),
    ("spring-session-*", "org/springframework/session/", "org.springframework.session", None),
    ("spring-aop", "org/springframework/aop/", "org.springframework", None),
    ("spring-aspects", "org/springframework/", "org.springframework", None),
    ("spring-beans", "org/springframework/beans/", "org.springframework", None),
    ("spring-context*", "org/springframework/", "org.springframework", None),
    ("spring-core", "org/springframework/core/", "org.springframework", None),
    ("spring-expression", "org/springframework/expression/", "org.springframework", None),
    ("spring-instrument", "org/springframework/instrument/", "org.springframework", None),
    ("spring-jcl", "org/apache/commons/logging/", "org.springframework", None),
    ("spring-jdbc", "org/springframework/jdbc/", "org.springframework", None),
    ("spring-jms", "org/springframework/jms/", "org.springframework", None),
    ("spring-messaging", "org/springframework/messaging/", "org.springframework", None),
    ("spring-orm", "org/springframework/orm/", "org.springframework", None),
    ("spring-oxm", "org/springframework/oxm/", "org.springframework", None),
    ("spring-test", "org/springframework/test/", "org.springframework", None),
    ("spring-tx", "org/springframework/transaction/", "org.springframework", None),
    ("spring-web", "org/springframework/web/", "org.springframework", None),
    ("spring-webflux", "org/springframework/web/", "org.springframework", None),
    ("spring-webmvc", "org/springframework/web/", "org.springframework", None),
    ("spring-websocket", "org/springframework/web/", "org.springframework", None),
    ("tomcat-coyote", "org/apache/coyote/", "org.apache.tomcat", None),
    ("tomcat-embed-*", "org/apache/", "org.apache.tomcat.embed", None),
];

/// The group and the artifact of a known archive; `has` tells whether one of its members starts so.
pub(super) fn find(artifact: &str, has: impl Fn(&str) -> bool) -> Option<(&'static str, &str)> {
    let fits = |pattern: &str| match pattern.strip_suffix('*') {
        Some(start) => artifact.starts_with(start),
        None => artifact == pattern,
    };
    let (_, _, group, other) = KNOWN.iter().find(|(pattern, classes, _, _)| fits(pattern) && has(classes))?;
    Some((group, other.unwrap_or(artifact)))
}

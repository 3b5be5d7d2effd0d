# shellcheck shell=bash
# DevStack plugin of instance-images: the HTTP API and the worker.
#
#   [[local|localrc]]
#   enable_plugin instance-images URL-OF-THIS-REPOSITORY
#
# DevStack sources it: plugin.sh stack pre-install|install|post-config|extra|test-config, unstack, clean.
# The functions that are not defined here, and $DEST, $REGION_NAME and so on, are DevStack's.

function instance_images_bin {
    echo "$(get_python_exec_prefix)/$1"
}

# Runs a command of the product as the services do.
function instance_images {
    INSTANCE_IMAGES_CONFIG_FILE=$INSTANCE_IMAGES_CONF OS_CLIENT_CONFIG_FILE=$INSTANCE_IMAGES_CLOUDS \
        "$(instance_images_bin instance-images)" "$@"
}

function install_instance_images {
    setup_develop "$INSTANCE_IMAGES_DIR" api,mysql
    pip_install uwsgi
}

# The user of the hourly runs, the API and the worker: admin, because it lists all images, and in all
# projects of the domain, because it works in those of the customers; service, because Nova accepts a
# customer's token with ours.
function create_instance_images_accounts {
    create_service_user instance-images admin
    create_service_user instance-images service
    openstack role add --user instance-images --user-domain "$SERVICE_DOMAIN_NAME" \
        --domain default --inherited admin
    get_or_create_service instance-images instance-images "Images of instances"
    get_or_create_endpoint instance-images "$REGION_NAME" \
        "http://$INSTANCE_IMAGES_SERVICE_HOST:$INSTANCE_IMAGES_SERVICE_PORT/v1"
}

function write_instance_images_clouds {
    cat >"$INSTANCE_IMAGES_CLOUDS" <<END
clouds:
  instance-images:
    region_name: $REGION_NAME
    identity_api_version: 3
    auth:
      auth_url: $KEYSTONE_SERVICE_URI
      username: instance-images
      password: $SERVICE_PASSWORD
      user_domain_name: $SERVICE_DOMAIN_NAME
      project_name: $SERVICE_PROJECT_NAME
      project_domain_name: $SERVICE_DOMAIN_NAME
END
    chmod 640 "$INSTANCE_IMAGES_CLOUDS"
}

function write_instance_images_conf {
    local url
    url=$(database_connection_url instance_images)
    url=${url%%\?*}
    rm -f "$INSTANCE_IMAGES_CONF"
    iniset "$INSTANCE_IMAGES_CONF" DEFAULT locations "$REGION_NAME"
    iniset "$INSTANCE_IMAGES_CONF" database connection "${url//\$/\$\$}"
    iniset "$INSTANCE_IMAGES_CONF" "location:$REGION_NAME" cloud instance-images
    iniset "$INSTANCE_IMAGES_CONF" "location:$REGION_NAME" currency "$INSTANCE_IMAGES_CURRENCY"
    configure_keystone_authtoken_middleware "$INSTANCE_IMAGES_CONF" instance-images
    iniset "$INSTANCE_IMAGES_CONF" keystone_authtoken service_type instance-images
    iniset "$INSTANCE_IMAGES_CONF" keystone_authtoken service_token_roles_required True
    chmod 640 "$INSTANCE_IMAGES_CONF"
}

function write_instance_images_uwsgi_conf {
    local conf=$INSTANCE_IMAGES_UWSGI_CONF
    rm -f "$conf"
    iniset "$conf" uwsgi module instance_images_api.wsgi:application
    iniset "$conf" uwsgi http-socket ":$INSTANCE_IMAGES_SERVICE_PORT"
    iniset "$conf" uwsgi add-header "Connection: close"
    iniset "$conf" uwsgi processes "${API_WORKERS:-2}"
    iniset "$conf" uwsgi threads 8
    local name
    for name in master enable-threads lazy-apps single-interpreter die-on-term need-app; do
        iniset "$conf" uwsgi "$name" true
    done
    iniset "$conf" uwsgi buffer-size 65535
}

function configure_instance_images {
    sudo install -d -o "$STACK_USER" -m 755 "$INSTANCE_IMAGES_CONF_DIR"
    write_instance_images_clouds
    write_instance_images_conf
    write_instance_images_uwsgi_conf
    create_instance_images_accounts
}

function init_instance_images {
    recreate_database instance_images
    mysql -u"$DATABASE_USER" -p"$DATABASE_PASSWORD" -h"$DATABASE_HOST" \
        -e "ALTER DATABASE instance_images CHARACTER SET utf8mb4"
    instance_images db upgrade
    instance_images rate set "$REGION_NAME" "$INSTANCE_IMAGES_PRICE"
    instance_images meter run
}

function start_instance_images {
    local environment="INSTANCE_IMAGES_CONFIG_FILE=$INSTANCE_IMAGES_CONF OS_CLIENT_CONFIG_FILE=$INSTANCE_IMAGES_CLOUDS"
    local url="http://$INSTANCE_IMAGES_SERVICE_HOST:$INSTANCE_IMAGES_SERVICE_PORT"
    run_process instance-images-api \
        "/usr/bin/env $environment $(instance_images_bin uwsgi) --ini $INSTANCE_IMAGES_UWSGI_CONF"
    run_process instance-images-worker "/usr/bin/env $environment $(instance_images_bin instance-images) work"
    if is_service_enabled instance-images-api && ! wait_for_service "$SERVICE_TIMEOUT" "$url"; then
        die "$LINENO" "instance-images-api did not start"
    fi
}

function stop_instance_images {
    stop_process instance-images-api
    stop_process instance-images-worker
}

function cleanup_instance_images {
    sudo rm -rf "$INSTANCE_IMAGES_CONF_DIR"
}

if is_service_enabled instance-images-api instance-images-worker; then
    case "$1 ${2:-}" in
    "stack install")
        echo_summary "Installing instance-images"
        install_instance_images ;;
    "stack post-config")
        echo_summary "Configuring instance-images"
        configure_instance_images ;;
    "stack extra")
        echo_summary "Starting instance-images"
        init_instance_images
        start_instance_images ;;
    "unstack ") stop_instance_images ;;
    "clean ") cleanup_instance_images ;;
    esac
fi
